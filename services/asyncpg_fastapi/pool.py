"""`asyncpg.Pool` as an adapter: made for each tuning, acquired from and released to by hand and by `async with`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, ClassVar, Final, Self

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from services.common.books import Errors
from services.common.settings import Address, Config
from services.common.statements import Statement, statements
from services.pools.adapters import Connecting, Sizes

SQL: Final = statements("$1")
CONNECT_TIMEOUT_S: Final = 5.0
OPEN_TIMEOUT_S: Final = 10.0
RELEASE_TIMEOUT_S: Final = 5.0
CLOSE_TIMEOUT_S: Final = 0.3


class Pool:
    """One `asyncpg.Pool`."""

    DATABASE_ERRORS: ClassVar[Errors] = (
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,  # what a statement gets on a connection that is being lost at this moment
        OSError,
    )
    TIMEOUT_ERRORS: ClassVar[Errors] = (TimeoutError,)
    """Bare, for a wait as for a connect: only the service's own counts can tell which it was."""

    def __init__(self, pool: asyncpg.Pool, config: Config) -> None:
        self._pool = pool
        self.capacity = config.pool_max_size

    @staticmethod
    def shape(config: Config) -> tuple[int, int]:
        return config.pool_min_size, config.pool_max_size

    @staticmethod
    async def ping(address: Address) -> None:
        connection = await asyncpg.connect(address.dsn, timeout=CONNECT_TIMEOUT_S)
        await connection.close()

    @classmethod
    async def open(cls, address: Address, config: Config, connecting: Connecting) -> Self:
        async def connect(*args: Any, **options: Any) -> asyncpg.Connection:
            with connecting():
                return await asyncpg.connect(*args, **options)

        tuning: dict[str, Any] = {}
        if config.tuning == "equalised":
            # Exactly this size for good, and no round trip that resets the session on release.
            tuning = {"max_inactive_connection_lifetime": 0, "max_queries": 2**62, "reset": _no_reset}
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            pool = await asyncpg.create_pool(
                address.dsn,
                min_size=config.pool_min_size,
                max_size=config.pool_max_size,
                connect=connect,
                **tuning,
            )
        return cls(pool, config)

    async def acquire(self, timeout_s: float) -> PoolConnectionProxy:
        return await self._pool.acquire(timeout=timeout_s)

    async def release(self, connection: PoolConnectionProxy) -> None:
        """Without a timeout of its own, the release would be bounded by that of the acquire."""
        await self._pool.release(connection, timeout=RELEASE_TIMEOUT_S)

    @asynccontextmanager
    async def checkout(self, timeout_s: float) -> AsyncIterator[PoolConnectionProxy]:
        """`async with pool.acquire()`. Not `acquire(timeout=…)`: its release would be bounded by the same."""
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(timeout_s):
                connection = await stack.enter_async_context(self._pool.acquire())
            try:
                yield connection
            finally:
                try:
                    async with asyncio.timeout(RELEASE_TIMEOUT_S):
                        await stack.aclose()
                except TimeoutError:
                    connection.terminate()  # the library goes on releasing, and would keep the slot until it can
                    raise

    async def execute(self, connection: PoolConnectionProxy, statement: Statement, *values: float) -> int:
        return len(await connection.fetch(SQL[statement], *values))

    async def end(self, connection: PoolConnectionProxy) -> None:
        """asyncpg opens no transaction of its own, so that there is none to end."""

    def sizes(self) -> Sizes:
        """`get_size()` and `get_idle_size()` in one walk over the connections: each answer has both."""
        size = free = 0
        for holder in self._pool._holders:  # noqa: SLF001 - what both of them walk
            if holder.is_connected():
                size += 1
                free += holder.is_idle()
        return Sizes(size, free)

    async def close(self, kept: Sequence[PoolConnectionProxy]) -> None:  # noqa: ARG002 - terminate ends them, too
        """Gracefully, which waits for whatever is handed out; after CLOSE_TIMEOUT_S by force."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()


async def _no_reset(_: asyncpg.Connection) -> None:
    """Nothing to reset: the contract's statements leave no session state behind."""
