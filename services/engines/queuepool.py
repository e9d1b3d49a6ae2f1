"""SQLAlchemy's `Engine` over psycopg as an adapter: its pool made for each tuning, used by `connect()` and `with`.

Threads share it, whatever server gives them: each stack that has it says so in its own `pool.py`.
"""

import inspect
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from time import monotonic
from typing import Any, ClassVar, Final, Self

import psycopg
from psycopg import errors, waiting
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as QueueTimeout
from sqlalchemy.pool import QueuePool

from services.common.books import Errors
from services.common.settings import Address, Config
from services.common.statements import Statement, statements
from services.drivers.psycopg import refuse_pure_python
from services.pools.adapters import TIMER_SLACK_S, Connecting, Sizes

SQL: Final = {name: text(sql) for name, sql in statements(":value").items()}
CONNECT_TIMEOUT_S: Final = 5
OPEN_TIMEOUT_S: Final = 10.0
OPENERS: Final = 8
"""How many connects are under way at once when a pool is opened."""
LOOK_S: Final = 0.1
"""How often a connect that waits looks for signals."""
SHIPPED_OVERFLOW: Final[int] = inspect.signature(QueuePool).parameters["max_overflow"].default
"""How many connections the library hands out above `pool_size` where nothing is said: a pool of 5 hands out 15."""


class Deadline(threading.local):
    """Until when the acquire of this thread may last, on the monotonic clock; None where nothing bounds it."""

    at: float | None = None

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        self.at = monotonic() + seconds
        try:
            yield
        finally:
            self.at = None

    @property
    def left_s(self) -> float | None:
        return None if self.at is None else max(0.0, self.at - monotonic())


DEADLINE: Final = Deadline()


class BoundedQueuePool(QueuePool):
    """Waits as long as the thread's own deadline says: `pool_timeout` is one for all, and begins again where a
    connection that a waiter was woken for has gone to another."""

    @property
    def _timeout(self) -> float:
        """What `QueuePool` lets its queue wait, which counts by the clock on the wall."""
        return (DEADLINE.left_s or 0.0) + TIMER_SLACK_S

    @_timeout.setter
    def _timeout(self, _: float) -> None:
        """The engine's own is not asked."""


class _GivenUp(BaseException):
    """No request waits for this connect any longer. No Exception: for the books it is no failure of the database."""


class Pool:
    """One `Engine` with its `QueuePool`."""

    DATABASE_ERRORS: ClassVar[Errors] = (DBAPIError, psycopg.Error, OSError)
    TIMEOUT_ERRORS: ClassVar[Errors] = (TimeoutError, QueueTimeout)

    def __init__(self, engine: Engine, config: Config) -> None:
        assert isinstance(engine.pool, QueuePool)  # what create_engine makes
        self._engine = engine
        self._pool = engine.pool
        self._shipped = config.tuning == "as_shipped"
        self.capacity = config.pool_max_size + (SHIPPED_OVERFLOW if self._shipped else 0)

    @staticmethod
    def shape(config: Config) -> tuple[float, ...]:
        """As shipped, the engine's `pool_timeout` bounds the wait, and never changes."""
        size = config.pool_min_size, config.pool_max_size
        return (*size, config.pool_acquire_timeout) if config.tuning == "as_shipped" else size

    @staticmethod
    def ping(address: Address) -> None:
        refuse_pure_python()
        psycopg.connect(address.dsn, connect_timeout=CONNECT_TIMEOUT_S).close()

    @classmethod
    def open(cls, address: Address, config: Config, connecting: Connecting) -> Self:
        refuse_pure_python()
        dsn = address.dsn

        def connect() -> psycopg.Connection:
            left_s = DEADLINE.left_s
            if left_s is not None:
                return _connect_within(left_s, dsn, connecting)
            with connecting():
                return psycopg.connect(dsn)

        def connect_equalised() -> psycopg.Connection:
            connection = connect()
            connection.prepare_threshold = 0  # prepared at the first execution, as asyncpg does
            return connection

        tuning: dict[str, Any] = {"creator": connect, "pool_timeout": config.pool_acquire_timeout + TIMER_SLACK_S}
        if config.tuning == "equalised":
            # Exactly this size, no transaction that must be ended, no rollback on release, and an acquire whose wait
            # and connect are bounded together.
            tuning = {
                "creator": connect_equalised,
                "poolclass": BoundedQueuePool,
                "max_overflow": 0,
                "pool_reset_on_return": None,
                "isolation_level": "AUTOCOMMIT",
            }
        engine = create_engine("postgresql+psycopg://", pool_size=config.pool_max_size, **tuning)
        _warm_up(engine, config.pool_min_size)
        return cls(engine, config)

    def acquire(self, timeout_s: float) -> Connection:
        if self._shipped:
            return self._engine.connect()
        with DEADLINE.within(timeout_s):
            return self._engine.connect()

    def release(self, connection: Connection) -> None:
        """In autocommit that is no round trip; as shipped it may be a rollback, which the library does in this thread
        and bounds by nothing."""
        connection.close()

    @contextmanager
    def checkout(self, timeout_s: float) -> Iterator[Connection]:
        """`with engine.connect()`."""
        with self.acquire(timeout_s) as connection:
            yield connection

    def execute(self, connection: Connection, statement: Statement, *values: float) -> int:
        return len(connection.execute(SQL[statement], {"value": values[0]} if values else None).all())

    def end(self, connection: Connection) -> None:
        if self._shipped:
            connection.commit()

    def sizes(self) -> Sizes:
        idle = self._pool.checkedin()
        return Sizes(idle + self._pool.checkedout(), idle)

    def close(self, kept: Sequence[Connection]) -> None:
        """`dispose` closes what is idle, and knows nothing of what is handed out: the garbage collector may give that
        back for as long as the pool is there."""
        event.listen(self._pool, "checkin", lambda _, record: record.close())
        self._engine.dispose()
        for connection in kept:
            connection.invalidate()
            connection.close()


def _connect_within(seconds: float, dsn: str, connecting: Connecting) -> psycopg.Connection:
    """A connect that is given up in time; raises TimeoutError then.

    `connect_timeout` knows whole seconds from 2 up, so that psycopg's own parts are put together here.
    """
    gen = psycopg.Connection._connect_gen(dsn)  # noqa: SLF001 - what `Connection.connect` waits for
    try:
        with connecting(), closing(gen):  # closed: a half-made connection ends now, even where its error is kept
            try:
                return waiting.wait_conn(gen, interval=LOOK_S, timeout=seconds)
            except errors._WaitTimeout:  # noqa: SLF001 - psycopg has no other name for it
                raise _GivenUp from None
    except _GivenUp:
        raise TimeoutError(f"no connect within {seconds:.3f} s") from None


def _warm_up(engine: Engine, connections: int) -> None:
    """The pool connects when it is asked: asks for all of them, and gives back what came."""

    def connect(_: int) -> Connection | Exception:
        try:
            with DEADLINE.within(max(0.0, until - monotonic())):
                return engine.connect()
        except Exception as error:
            return error

    until = monotonic() + OPEN_TIMEOUT_S
    with ThreadPoolExecutor(OPENERS, "opener") as openers:
        came = list(openers.map(connect, range(connections)))
    for each in came:
        if isinstance(each, Connection):
            each.close()
    for each in came:
        if isinstance(each, Exception):
            engine.dispose()
            raise each
