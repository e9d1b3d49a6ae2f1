"""`psycopg_pool.AsyncConnectionPool` as an adapter: made for each tuning, used by `getconn`/`putconn` and by
`async with`."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, ClassVar, Final, Self

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from services.common.books import Errors
from services.common.settings import Address, Config
from services.common.statements import Statement
from services.drivers.psycopg import SQL, refuse_pure_python
from services.pools.adapters import Connecting, Sizes

CONNECT_TIMEOUT_S: Final = 5
OPEN_TIMEOUT_S: Final = 10.0
"""The pool connects in tasks of its own, and reports a failure only by not being ready in time."""
RELEASE_TIMEOUT_S: Final = 5.0
CLOSE_TIMEOUT_S: Final = 0.3
NEVER_S: Final = 1e9


class Pool:
    """One `AsyncConnectionPool`."""

    DATABASE_ERRORS: ClassVar[Errors] = (psycopg.Error, OSError)
    TIMEOUT_ERRORS: ClassVar[Errors] = (PoolTimeout,)
    """An exhausted pool and one that cannot connect raise the same: only the service's own counts can tell."""

    def __init__(self, pool: AsyncConnectionPool[psycopg.AsyncConnection], config: Config) -> None:
        self._pool = pool
        self._opens_transaction = config.tuning == "as_shipped"
        self.capacity = config.pool_max_size

    @staticmethod
    def shape(config: Config) -> tuple[int, int]:
        """A size makes a new pool: `AsyncConnectionPool.resize` does not shrink under load, since what is handed out
        comes back into the pool."""
        return config.pool_min_size, config.pool_max_size

    @staticmethod
    async def ping(address: Address) -> None:
        refuse_pure_python()
        connection = await psycopg.AsyncConnection.connect(address.dsn, connect_timeout=CONNECT_TIMEOUT_S)
        await connection.close()

    @classmethod
    async def open(cls, address: Address, config: Config, connecting: Connecting) -> Self:
        refuse_pure_python()

        class CountedConnection(psycopg.AsyncConnection):
            @classmethod
            async def connect(cls, *args: Any, **options: Any) -> Self:
                with connecting():
                    return await super().connect(*args, **options)

        lasting: dict[str, Any] = {}
        options: dict[str, Any] = {}
        if config.tuning == "equalised":
            # Exactly these connections for good. Autocommit: no transaction that must be ended. Prepared at the first
            # execution, as asyncpg does.
            lasting = {"max_lifetime": NEVER_S, "max_idle": NEVER_S}
            options = {"autocommit": True, "prepare_threshold": 0}
        pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
            address.dsn,
            connection_class=CountedConnection,
            kwargs=options,
            min_size=config.pool_min_size,
            max_size=config.pool_max_size,
            open=False,
            **lasting,
        )
        await pool.open(wait=True, timeout=OPEN_TIMEOUT_S)
        return cls(pool, config)

    async def acquire(self, timeout_s: float) -> psycopg.AsyncConnection:
        return await self._pool.getconn(timeout=timeout_s)

    async def release(self, connection: psycopg.AsyncConnection) -> None:
        """In autocommit that is no round trip; as shipped it may be a rollback. In a task of its own: a `putconn` that
        is cancelled can lose its slot for good."""

        async def put() -> None:
            with _cut_off_late(connection):
                await self._pool.putconn(connection)

        await asyncio.shield(put())

    @asynccontextmanager
    async def checkout(self, timeout_s: float) -> AsyncIterator[psycopg.AsyncConnection]:
        """`async with pool.connection()`, left in a task of its own, too. It commits at its end, and rolls back where
        an exception reaches it."""
        context = self._pool.connection(timeout=timeout_s)
        connection = await context.__aenter__()

        async def leave(*raised: Any) -> bool | None:
            with _cut_off_late(connection):
                return await context.__aexit__(*raised)

        async with AsyncExitStack() as stack:
            stack.push_async_exit(lambda *raised: asyncio.shield(leave(*raised)))
            yield connection

    async def execute(self, connection: psycopg.AsyncConnection, statement: Statement, *values: float) -> int:
        cursor = await connection.execute(SQL[statement], values or None)
        return len(await cursor.fetchall())

    async def end(self, connection: psycopg.AsyncConnection) -> None:
        if self._opens_transaction:
            await connection.commit()

    def sizes(self) -> Sizes:
        stats = self._pool.get_stats()
        return Sizes(stats["pool_size"], stats["pool_available"])

    async def close(self, kept: Sequence[psycopg.AsyncConnection]) -> None:
        await self._pool.close(timeout=CLOSE_TIMEOUT_S)
        for connection in kept:
            await connection.close()


@contextmanager
def _cut_off_late(connection: psycopg.AsyncConnection) -> Iterator[None]:
    """Bounds what the library sends on a release by RELEASE_TIMEOUT_S: then its socket is shut, and the pool makes
    another connection.

    `asyncio.timeout` does not bound it: psycopg answers a cancellation by asking the server to cancel the statement,
    and waits for that for up to ten seconds.
    """
    timer = asyncio.get_running_loop().call_later(RELEASE_TIMEOUT_S, _shut, connection)
    try:
        yield
    finally:
        timer.cancel()


def _shut(connection: psycopg.AsyncConnection) -> None:
    """Ends the connection under a statement that waits: it reads the end of the stream at once."""
    if not connection.closed:
        with socket.socket(fileno=os.dup(connection.fileno())) as end:
            end.shutdown(socket.SHUT_RDWR)
