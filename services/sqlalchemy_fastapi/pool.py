"""`sqlalchemy.ext.asyncio.AsyncEngine`: open, close, resize, snapshot, an acquire that is bounded, timed and counted.

In: the configuration in force and a request's `Timing`. Out: a `Lease` on a connection, or `Refused`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as QueueTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from services.common.books import Books, Refused, describe
from services.common.contract import PoolView, Timing
from services.common.ledger import Account, Wait
from services.common.metrics import Metrics, PoolStats
from services.common.settings import Config, Settings
from services.common.tracing import Tracing

SERVICE: Final = "sqlalchemy_fastapi"
DATABASE_ERRORS: Final = (
    DBAPIError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a statement gets on a connection that is being lost at this moment
    OSError,
)
TIMEOUT_ERRORS: Final = (TimeoutError, QueueTimeout)
SHIPPED_OVERFLOW: Final = 10
"""`max_overflow` where nothing is said: a pool of 5 hands out 15."""
CONNECT_TIMEOUT_S: Final = 5.0
OPEN_TIMEOUT_S: Final = 10.0
RELEASE_TIMEOUT_S: Final = 5.0
CLOSE_TIMEOUT_S: Final = 0.3
NEVER_S: Final = 86_400.0
TIMER_SLACK_S: Final = 0.002
"""uvloop's timers have whole milliseconds and fire up to 1.2 ms early; a timeout must never be early."""

log = logging.getLogger(SERVICE)


@dataclass(slots=True, eq=False)
class Generation:
    """One pool, and the account of those who still need it."""

    engine: AsyncEngine
    config: Config
    account: Account


@dataclass(slots=True, eq=False)
class Lease:
    """A connection handed to a handler."""

    connection: AsyncConnection
    generation: Generation
    wait: Wait
    timing: Timing


async def wait_for_database(settings: Settings) -> None:
    """Connects until it works, and says what it waits for; raises Refused after `db_wait_seconds`."""
    where = f"PostgreSQL at {settings.db_host}:{settings.db_port}/{settings.db_name}"
    deadline = monotonic() + settings.db_wait_seconds
    while True:
        try:
            connection = await asyncpg.connect(**_address(settings), timeout=CONNECT_TIMEOUT_S)
            await connection.close()
            return
        except DATABASE_ERRORS as error:
            left = deadline - monotonic()
            if left <= 0:
                text = f"no answer from {where} in {settings.db_wait_seconds:g} s: {describe(error)}"
                raise Refused("database_unavailable", text, settings.db_wait_seconds) from error
            log.warning("waiting for %s, %.1f s left: %s", where, left, describe(error))
            await asyncio.sleep(min(0.5, left))


class ServicePool:
    """The pool in force, and old ones that drain."""

    def __init__(self, settings: Settings, metrics: Metrics, tracing: Tracing) -> None:
        self.config = settings.config()
        self.books = Books(SERVICE, metrics, tracing, DATABASE_ERRORS, TIMEOUT_ERRORS)
        self._settings = settings
        self._current: Generation
        self._draining: list[Generation] = []
        self._kept: list[Lease] = []
        self._resizing = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Makes the pool with its first connections; raises Refused where there is no database."""
        self._current = await self._make(self.config)
        log.info("pool of %d to %d is open", self.config.pool_min_size, self.config.pool_max_size)

    async def close(self) -> None:
        """Closes every pool at once; what is still handed out is cut off."""
        for task in self._retiring:
            task.cancel()
        generations = [*self._draining, self._current]
        lost = [self.books.ledger.close(generation.account, force=True) or 0 for generation in generations]
        await asyncio.gather(*map(self._end, generations, lost))

    async def acquire(self, timing: Timing, hold_ms: int = 0) -> Lease:
        """A connection within `pool_acquire_timeout`, connect included; raises Refused."""
        timeout = self.config.pool_acquire_timeout
        generation, wait = self._ask(hold_ms, timeout)
        with self.books.acquiring(wait, timing, timeout):
            async with self._patience(timeout):
                connection = await generation.engine.connect()
        return Lease(connection, generation, wait, timing)

    async def release(self, lease: Lease) -> None:
        """Gives the connection back, within RELEASE_TIMEOUT_S."""
        with self.books.releasing(lease.wait, lease.timing):
            async with asyncio.timeout(RELEASE_TIMEOUT_S):
                await lease.connection.close()

    @asynccontextmanager
    async def connection(self, timing: Timing, hold_ms: int = 0) -> AsyncIterator[Lease]:
        """The same through the library's own context manager, `async with engine.connect()`."""
        timeout = self.config.pool_acquire_timeout
        generation, wait = self._ask(hold_ms, timeout)
        async with AsyncExitStack() as stack:
            with self.books.acquiring(wait, timing, timeout):
                async with self._patience(timeout):
                    connection = await stack.enter_async_context(generation.engine.connect())
            try:
                yield Lease(connection, generation, wait, timing)
            finally:
                with self.books.releasing(wait, timing):
                    async with asyncio.timeout(RELEASE_TIMEOUT_S):
                        await asyncio.shield(stack.aclose())  # it sees its end through, whatever bounds it

    def leak(self, lease: Lease, *, keep: bool) -> None:
        """The bug on purpose: the handler ends without `release`. Kept, the reference lives on; else it is lost."""
        self.books.ledger.leak(lease.generation.account)
        if keep:
            self._kept.append(lease)

    async def release_leaks(self) -> int:
        """Gives back what was kept; returns how many. What went with an old pool is not among them."""
        kept, self._kept = self._kept, []
        for lease in kept:
            self.books.ledger.found(lease.generation.account)
            await self.release(lease)
        return len(kept)

    async def reconfigure(self, patch: dict[str, Any]) -> None:
        """Puts a changed configuration in force. Another size makes and warms a new pool, then swaps.

        Those who wait for the old pool, or hold its connections, are served by it; it is closed when
        they are done, and with what has leaked as soon as everybody could have been done. Raises SettingsError,
        or Refused when the new pool cannot connect; then nothing has changed.
        """
        async with self._resizing:
            config = self.config.changed(patch)
            old = self._current
            if _shape(config) != _shape(old.config):
                self._current = await self._make(config)
                self._draining.append(old)
                task = asyncio.create_task(self._retire(old))
                self._retiring.add(task)
                task.add_done_callback(self._retiring.discard)
            self.config = config

    def view(self) -> PoolView:
        """What a handler reports of the pool while it holds a connection."""
        pool = _queue_pool(self._current.engine)
        return PoolView(self.config.pool_max_size, pool.checkedin() + pool.checkedout(), pool.checkedin())

    def snapshot(self) -> PoolStats:
        pool = _queue_pool(self._current.engine)
        return PoolStats(
            min_size=self.config.pool_min_size,
            max_size=self.config.pool_max_size,
            size=pool.checkedin() + pool.checkedout(),
            free=pool.checkedin(),
            counted=self.books.totals(),
            draining=tuple(
                {"pool_max_size": g.config.pool_max_size, "used": g.account.used, "waiting": g.account.waiting}
                for g in self._draining
            ),
        )

    def _patience(self, timeout: float) -> AbstractAsyncContextManager[Any]:
        """Bounds wait and connect. The engine's `pool_timeout` bounds the wait alone, and never changes."""
        if self.config.tuning == "as_shipped":
            return nullcontext()
        return asyncio.timeout(timeout + TIMER_SLACK_S)

    def _ask(self, hold_ms: int, patience_s: float) -> tuple[Generation, Wait]:
        """Begins to wait for the pool in force; an old one that was closed just now is not asked."""
        while True:
            generation = self._current
            if wait := self.books.ledger.ask(generation.account, hold_ms, patience_s):
                return generation, wait

    async def _make(self, config: Config) -> Generation:
        """A new pool with `pool_min_size` connections made; raises Refused."""
        overflow = SHIPPED_OVERFLOW
        options: dict[str, Any] = {"pool_timeout": config.pool_acquire_timeout + TIMER_SLACK_S}
        if config.tuning == "equalised":
            # Exactly this size, no transaction that must be ended, and no rollback on release.
            overflow = 0
            options = {"pool_timeout": NEVER_S, "pool_reset_on_return": None, "isolation_level": "AUTOCOMMIT"}
        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect,
            pool_size=config.pool_max_size,
            max_overflow=overflow,
            **options,
        )
        # The pool connects when it is asked: ask for all at once, and give back what came.
        asked = [asyncio.ensure_future(engine.connect().start()) for _ in range(config.pool_min_size)]
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
                if not isinstance(error, (*DATABASE_ERRORS, asyncio.CancelledError)):
                    raise error
                cause = f"no connection to PostgreSQL: {describe(error)}"
                raise Refused("database_unavailable", cause, 0.0) from error
        return Generation(engine, config, Account(config.pool_max_size + overflow))

    async def _connect(self) -> asyncpg.Connection:
        with self.books.connecting():
            return await asyncpg.connect(
                **_address(self._settings),
            )

    async def _retire(self, old: Generation) -> None:
        """Closes an old pool when nobody needs it any more; leaked connections are not waited for for ever."""
        while (lost := self.books.ledger.close(old.account)) is None:
            await asyncio.sleep(0.02)
        await self._end(old, lost)
        self._draining.remove(old)

    async def _end(self, generation: Generation, lost: int) -> None:
        if lost:
            log.warning("a pool is closed with %d connections not given back", lost)
        abandoned = [lease for lease in self._kept if lease.generation is generation]
        self._kept = [lease for lease in self._kept if lease.generation is not generation]
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await generation.engine.dispose()
                for lease in abandoned:
                    await lease.connection.invalidate()
                    await lease.connection.close()
        except TimeoutError:
            log.warning("closing a pool took longer than %g s", CLOSE_TIMEOUT_S)


def _queue_pool(engine: AsyncEngine) -> AsyncAdaptedQueuePool:
    pool = engine.pool
    assert isinstance(pool, AsyncAdaptedQueuePool)  # what create_async_engine makes
    return pool


def _address(settings: Settings) -> dict[str, Any]:
    return {
        "host": settings.db_host,
        "port": settings.db_port,
        "database": settings.db_name,
        "user": settings.db_user,
        "password": settings.db_password,
        "server_settings": {"application_name": SERVICE},
    }


def _shape(config: Config) -> tuple[float, ...]:
    if config.tuning == "as_shipped":
        return config.pool_min_size, config.pool_max_size, config.pool_acquire_timeout
    return config.pool_min_size, config.pool_max_size
