"""`asyncpg.Pool`: open, close, resize, snapshot, and an acquire that is bounded, timed and counted.

In: the configuration in force and a request's `Timing`. Out: a `Lease` on a connection, or `Refused`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from services.common.books import Books, Refused, describe
from services.common.contract import PoolView, Timing
from services.common.ledger import Account, Wait
from services.common.metrics import Metrics, PoolStats
from services.common.settings import Config, Settings
from services.common.tracing import Tracing

SERVICE: Final = "asyncpg_fastapi"
DATABASE_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""`InternalClientError` too: that is what a statement gets on a connection that is being lost at this moment."""
TIMEOUT_ERRORS: Final = (TimeoutError,)
CONNECT_TIMEOUT_S: Final = 5.0
OPEN_TIMEOUT_S: Final = 10.0
RELEASE_TIMEOUT_S: Final = 5.0
CLOSE_TIMEOUT_S: Final = 0.3
TIMER_SLACK_S: Final = 0.002
"""uvloop's timers have whole milliseconds and fire up to 1.2 ms early; a timeout must never be early."""

log = logging.getLogger(SERVICE)


@dataclass(slots=True, eq=False)
class Generation:
    """One pool, and the account of those who still need it."""

    pool: asyncpg.Pool
    config: Config
    account: Account


@dataclass(slots=True, eq=False)
class Lease:
    """A connection handed to a handler."""

    connection: PoolConnectionProxy
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
            connection = await generation.pool.acquire(timeout=timeout + TIMER_SLACK_S)
        return Lease(connection, generation, wait, timing)

    async def release(self, lease: Lease) -> None:
        """Gives the connection back, within RELEASE_TIMEOUT_S."""
        with self.books.releasing(lease.wait, lease.timing):
            await lease.generation.pool.release(lease.connection, timeout=RELEASE_TIMEOUT_S)

    @asynccontextmanager
    async def connection(self, timing: Timing, hold_ms: int = 0) -> AsyncIterator[Lease]:
        """The same through the library's own context manager, `async with pool.acquire()`."""
        timeout = self.config.pool_acquire_timeout
        generation, wait = self._ask(hold_ms, timeout)
        async with AsyncExitStack() as stack:
            with self.books.acquiring(wait, timing, timeout):
                # Not `acquire(timeout=…)`: the context manager would bound its release by the same.
                async with asyncio.timeout(timeout + TIMER_SLACK_S):
                    connection = await stack.enter_async_context(generation.pool.acquire())
            try:
                yield Lease(connection, generation, wait, timing)
            finally:
                with self.books.releasing(wait, timing):
                    try:
                        async with asyncio.timeout(RELEASE_TIMEOUT_S):
                            await stack.aclose()
                    except TimeoutError:
                        connection.terminate()  # the library goes on releasing, and would keep the slot until it can
                        raise

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
        pool = self._current.pool
        return PoolView(self.config.pool_max_size, pool.get_size(), pool.get_idle_size())

    def snapshot(self) -> PoolStats:
        pool = self._current.pool
        return PoolStats(
            min_size=self.config.pool_min_size,
            max_size=self.config.pool_max_size,
            size=pool.get_size(),
            free=pool.get_idle_size(),
            counted=self.books.totals(),
            draining=tuple(
                {"pool_max_size": g.config.pool_max_size, "used": g.account.used, "waiting": g.account.waiting}
                for g in self._draining
            ),
        )

    def _ask(self, hold_ms: int, patience_s: float) -> tuple[Generation, Wait]:
        """Begins to wait for the pool in force; an old one that was closed just now is not asked."""
        while True:
            generation = self._current
            if wait := self.books.ledger.ask(generation.account, hold_ms, patience_s):
                return generation, wait

    async def _make(self, config: Config) -> Generation:
        """A new pool with `pool_min_size` connections made; raises Refused."""
        options: dict[str, Any] = {}
        if config.tuning == "equalised":
            # Exactly this size for good, and no round trip that resets the session on release.
            options = {"max_inactive_connection_lifetime": 0, "max_queries": 2**62, "reset": _no_reset}
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                pool = await asyncpg.create_pool(
                    **_address(self._settings),
                    min_size=config.pool_min_size,
                    max_size=config.pool_max_size,
                    connect=self._connect,
                    **options,
                )
        except DATABASE_ERRORS as error:
            raise Refused("database_unavailable", f"no connection to PostgreSQL: {describe(error)}", 0.0) from error
        return Generation(pool, config, Account(config.pool_max_size))

    async def _connect(self, *args: Any, **options: Any) -> asyncpg.Connection:
        with self.books.connecting():
            return await asyncpg.connect(*args, **options)

    async def _retire(self, old: Generation) -> None:
        """Closes an old pool when nobody needs it any more; leaked connections are not waited for for ever."""
        while (lost := self.books.ledger.close(old.account)) is None:
            await asyncio.sleep(0.02)
        await self._end(old, lost)
        self._draining.remove(old)

    async def _end(self, generation: Generation, lost: int) -> None:
        if lost:
            log.warning("a pool is closed with %d connections not given back", lost)
        self._kept = [lease for lease in self._kept if lease.generation is not generation]
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await generation.pool.close()
        except TimeoutError:
            generation.pool.terminate()


def _address(settings: Settings) -> dict[str, Any]:
    return {
        "host": settings.db_host,
        "port": settings.db_port,
        "database": settings.db_name,
        "user": settings.db_user,
        "password": settings.db_password,
        "server_settings": {"application_name": SERVICE},
    }


def _shape(config: Config) -> tuple[int, int]:
    return config.pool_min_size, config.pool_max_size


async def _no_reset(_: asyncpg.Connection) -> None:
    """Nothing to reset: the contract's statements leave no session state behind."""
