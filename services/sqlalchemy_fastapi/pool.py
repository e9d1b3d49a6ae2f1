"""SQLAlchemy's `AsyncEngine` as an adapter: its pool made for each tuning, used by `connect()` and `async with`."""

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from typing import Any, ClassVar, Final, Self

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as QueueTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from services.common.books import Errors
from services.common.settings import Address, Config
from services.common.statements import Statement, statements
from services.pools.adapters import TIMER_SLACK_S, Connecting, Sizes

SQL: Final = {name: text(sql) for name, sql in statements(":value").items()}
CONNECT_TIMEOUT_S: Final = 5.0
OPEN_TIMEOUT_S: Final = 10.0
RELEASE_TIMEOUT_S: Final = 5.0
CLOSE_TIMEOUT_S: Final = 0.3
NEVER_S: Final = 86_400.0
SHIPPED_OVERFLOW: Final[int] = inspect.signature(AsyncAdaptedQueuePool).parameters["max_overflow"].default
"""How many connections the library hands out above `pool_size` where nothing is said: a pool of 5 hands out 15."""

log = logging.getLogger(__name__)


class Pool:
    """One `AsyncEngine` with its `AsyncAdaptedQueuePool`."""

    DATABASE_ERRORS: ClassVar[Errors] = (
        DBAPIError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,  # what a statement gets on a connection that is being lost at this moment
        OSError,
    )
    TIMEOUT_ERRORS: ClassVar[Errors] = (TimeoutError, QueueTimeout)

    def __init__(self, engine: AsyncEngine, config: Config) -> None:
        assert isinstance(engine.pool, AsyncAdaptedQueuePool)  # what create_async_engine makes
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
    async def ping(address: Address) -> None:
        connection = await asyncpg.connect(address.dsn, timeout=CONNECT_TIMEOUT_S)
        await connection.close()

    @classmethod
    async def open(cls, address: Address, config: Config, connecting: Connecting) -> Self:
        dsn = address.dsn

        async def connect() -> asyncpg.Connection:
            with connecting():
                return await asyncpg.connect(dsn)

        tuning: dict[str, Any] = {"pool_timeout": config.pool_acquire_timeout + TIMER_SLACK_S}
        if config.tuning == "equalised":
            # Exactly this size, no transaction that must be ended, no rollback on release, and a wait that `acquire`
            # bounds.
            tuning = {
                "max_overflow": 0,
                "pool_timeout": NEVER_S,
                "pool_reset_on_return": None,
                "isolation_level": "AUTOCOMMIT",
            }
        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=connect,
            pool_size=config.pool_max_size,
            **tuning,
        )
        await _warm_up(engine, config.pool_min_size)
        return cls(engine, config)

    async def acquire(self, timeout_s: float) -> AsyncConnection:
        async with self._bounded(timeout_s):
            return await self._engine.connect()

    async def release(self, connection: AsyncConnection) -> None:
        async with asyncio.timeout(RELEASE_TIMEOUT_S):
            await connection.close()

    @asynccontextmanager
    async def checkout(self, timeout_s: float) -> AsyncIterator[AsyncConnection]:
        """`async with engine.connect()`."""
        async with AsyncExitStack() as stack:
            async with self._bounded(timeout_s):
                connection = await stack.enter_async_context(self._engine.connect())
            try:
                yield connection
            finally:
                async with asyncio.timeout(RELEASE_TIMEOUT_S):
                    await asyncio.shield(stack.aclose())  # it sees its end through, whatever bounds it

    async def execute(self, connection: AsyncConnection, statement: Statement, *values: float) -> int:
        result = await connection.execute(SQL[statement], {"value": values[0]} if values else None)
        return len(result.all())

    async def end(self, connection: AsyncConnection) -> None:
        if self._shipped:
            await connection.commit()

    def sizes(self) -> Sizes:
        idle = self._pool.checkedin()
        return Sizes(idle + self._pool.checkedout(), idle)

    async def close(self, kept: Sequence[AsyncConnection]) -> None:
        """`dispose` closes what is idle, and knows nothing of what is handed out."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._engine.dispose()
                for connection in kept:
                    await connection.invalidate()
                    await connection.close()
        except TimeoutError:
            # The process, or the garbage collector, ends what is left.
            log.warning("closing a pool took longer than %g s", CLOSE_TIMEOUT_S)

    def _bounded(self, timeout_s: float) -> AbstractAsyncContextManager[Any]:
        """Bounds wait and connect; the engine's own `pool_timeout` bounds the wait alone."""
        return nullcontext() if self._shipped else asyncio.timeout(timeout_s)


async def _warm_up(engine: AsyncEngine, connections: int) -> None:
    """The pool connects when it is asked: asks for all at once, and gives back what came."""
    asked = [asyncio.ensure_future(engine.connect().start()) for _ in range(connections)]
    if asked:
        await asyncio.wait(asked, timeout=OPEN_TIMEOUT_S)
    for connecting in asked:
        connecting.cancel()  # nothing but those that took too long
    came = await asyncio.gather(*asked, return_exceptions=True)
    for connection in came:
        if isinstance(connection, AsyncConnection):
            await connection.close()
    for error in came:
        if isinstance(error, BaseException):
            await engine.dispose()
            raise (
                TimeoutError(f"none within {OPEN_TIMEOUT_S:g} s")
                if isinstance(error, asyncio.CancelledError)
                else error
            )
