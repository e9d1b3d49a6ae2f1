"""`psycopg_pool.ConnectionPool` as an adapter: made for each tuning, used by `getconn`/`putconn` and by `with`."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Final, Self

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from services.common.books import Errors
from services.common.settings import Address, Config
from services.common.statements import Statement
from services.drivers.psycopg import SQL, refuse_pure_python
from services.pools.adapters import Connecting, Sizes

CONNECT_TIMEOUT_S: Final = 5
OPEN_TIMEOUT_S: Final = 10.0
"""The pool connects in threads of its own, and reports a failure only by not being ready in time."""
CLOSE_TIMEOUT_S: Final = 0.3
NEVER_S: Final = 1e9


class Pool:
    """One `ConnectionPool`."""

    DATABASE_ERRORS: ClassVar[Errors] = (psycopg.Error, OSError)
    TIMEOUT_ERRORS: ClassVar[Errors] = (PoolTimeout,)
    """An exhausted pool and one that cannot connect raise the same: only the service's own counts can tell."""

    def __init__(self, pool: ConnectionPool[psycopg.Connection], config: Config) -> None:
        self._pool = pool
        self._opens_transaction = config.tuning == "as_shipped"
        self.capacity = config.pool_max_size

    @staticmethod
    def shape(config: Config) -> tuple[int, int]:
        """A size makes a new pool: `ConnectionPool.resize` does not shrink under load, since what is handed out comes
        back into the pool."""
        return config.pool_min_size, config.pool_max_size

    @staticmethod
    def ping(address: Address) -> None:
        refuse_pure_python()
        psycopg.connect(address.dsn, connect_timeout=CONNECT_TIMEOUT_S).close()

    @classmethod
    def open(cls, address: Address, config: Config, connecting: Connecting) -> Self:
        refuse_pure_python()

        class CountedConnection(psycopg.Connection):
            @classmethod
            def connect(cls, *args: Any, **options: Any) -> Self:
                with connecting():
                    return super().connect(*args, **options)

        lasting: dict[str, Any] = {}
        options: dict[str, Any] = {}
        if config.tuning == "equalised":
            # Exactly these connections for good. Autocommit: no transaction that must be ended. Prepared at the first
            # execution, as asyncpg does.
            lasting = {"max_lifetime": NEVER_S, "max_idle": NEVER_S}
            options = {"autocommit": True, "prepare_threshold": 0}
        pool: ConnectionPool[Any] = ConnectionPool(
            address.dsn,
            connection_class=CountedConnection,
            kwargs=options,
            min_size=config.pool_min_size,
            max_size=config.pool_max_size,
            open=False,
            **lasting,
        )
        pool.open(wait=True, timeout=OPEN_TIMEOUT_S)
        return cls(pool, config)

    def acquire(self, timeout_s: float) -> psycopg.Connection:
        return self._pool.getconn(timeout=timeout_s)

    def release(self, connection: psycopg.Connection) -> None:
        """In autocommit that is no round trip; as shipped it may be a rollback, which the library does in this thread
        and bounds by nothing."""
        self._pool.putconn(connection)

    def checkout(self, timeout_s: float) -> AbstractContextManager[psycopg.Connection]:
        """It commits at its end, and rolls back where an exception reaches it."""
        return self._pool.connection(timeout=timeout_s)

    def execute(self, connection: psycopg.Connection, statement: Statement, *values: float) -> int:
        return len(connection.execute(SQL[statement], values or None).fetchall())

    def end(self, connection: psycopg.Connection) -> None:
        if self._opens_transaction:
            connection.commit()

    def sizes(self) -> Sizes:
        stats = self._pool.get_stats()
        return Sizes(stats["pool_size"], stats["pool_available"])

    def close(self, kept: Sequence[psycopg.Connection]) -> None:
        self._pool.close(timeout=CLOSE_TIMEOUT_S)
        for connection in kept:
            connection.close()
