"""A pool on one event loop over any library's adapter: counted, resizable, and leaked from on purpose."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Generic

from services.common.books import Acquiring, Books, Releasing, Working, describe, gave_up, unavailable
from services.common.contract import ROWS, Timing
from services.common.ledger import Account
from services.common.metrics import Metrics
from services.common.settings import Config, Settings
from services.common.tracing import Tracing
from services.pools.adapters import TIMER_SLACK_S, AsyncAdapter, C
from services.pools.generations import POLL_S, Generation, Generations, Lease

AsyncGeneration = Generation[AsyncAdapter[C]]
AsyncLease = Lease[AsyncAdapter[C], C]


class AsyncPool(Generic[C]):
    """The pool in force, and old ones that drain. `service` is its name in PostgreSQL, metrics and logs."""

    def __init__(
        self, service: str, library: type[AsyncAdapter[C]], settings: Settings, metrics: Metrics, tracing: Tracing
    ) -> None:
        self.books = Books(service, metrics, tracing, library.DATABASE_ERRORS, library.TIMEOUT_ERRORS)
        self._library = library
        self._address = settings.address(service)
        self._state: Generations[AsyncAdapter[C], C] = Generations(settings.config(), self.books)
        self.view = self._state.view
        self.snapshot = self._state.snapshot
        self.leak = self._state.leak
        self._resizing = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()
        self._log = logging.getLogger(service)

    @property
    def config(self) -> Config:
        """What is in force."""
        return self._state.config

    async def open(self) -> None:
        """Makes the pool with its first connections; raises Refused where there is no database."""
        self._state.current = await self._make(self.config)
        self._log.info("pool of %d to %d is open", self.config.pool_min_size, self.config.pool_max_size)

    async def close(self) -> None:
        """Closes every pool at once; what is still handed out is cut off."""
        for task in self._retiring:
            task.cancel()
        all_of_them = [*self._state.draining, self._state.current]
        lost = [self.books.ledger.close(generation.account, force=True) or 0 for generation in all_of_them]
        await asyncio.gather(*map(self._end, all_of_them, lost))

    async def acquire(self, timing: Timing, hold_ms: int = 0) -> AsyncLease[C]:
        """A connection within `pool_acquire_timeout`, connect included; raises Refused."""
        generation, wait, config = self._state.ask(hold_ms)
        with Acquiring(self.books, wait, timing, config.pool_acquire_timeout):
            connection = await generation.adapter.acquire(config.pool_acquire_timeout + TIMER_SLACK_S)
        return Lease(connection, generation, wait, timing, config)

    async def release(self, lease: AsyncLease[C]) -> None:
        with Releasing(self.books, lease.wait, lease.timing):
            await lease.generation.adapter.release(lease.connection)

    @asynccontextmanager
    async def checkout(self, timing: Timing, hold_ms: int = 0) -> AsyncIterator[AsyncLease[C]]:
        """The same through the library's own context manager; raises Refused."""
        generation, wait, config = self._state.ask(hold_ms)
        context = generation.adapter.checkout(config.pool_acquire_timeout + TIMER_SLACK_S)
        with Acquiring(self.books, wait, timing, config.pool_acquire_timeout):
            connection = await context.__aenter__()
        try:
            yield Lease(connection, generation, wait, timing, config)
        finally:
            with Releasing(self.books, wait, timing):
                await context.__aexit__(*sys.exc_info())  # an exception must reach it: some roll back then

    async def read(self, lease: AsyncLease[C]) -> int:
        """Reads the contract's rows; returns how many came. Raises Refused where the statement fails."""
        with Working(self.books, lease.wait, lease.timing):
            return await lease.generation.adapter.execute(lease.connection, "items", ROWS)

    async def hold(self, lease: AsyncLease[C], hold_ms: int) -> int:
        """Reads, then holds until `hold_ms` after the acquire, never less; returns the rows read.

        The transaction, where the tuning has one, ends within the hold.
        """
        adapter, connection, config = lease.generation.adapter, lease.connection, lease.config
        until = lease.wait.granted + hold_ms / 1000
        with Working(self.books, lease.wait, lease.timing):
            rows = await adapter.execute(connection, "items", ROWS)
            match config.work_kind:
                case "query":
                    await adapter.execute(connection, "sleep", max(0.0, until - monotonic()))
                case "cpu":
                    await adapter.execute(connection, "burn", config.units(hold_ms))
                case "lock":
                    await adapter.execute(connection, "lock")
                case "sleep":
                    pass
            while (left := until - monotonic()) > 0:  # again for the rest: a timer may fire early
                await asyncio.sleep(left)
            await adapter.end(connection)
            return rows

    async def release_leaks(self) -> int:
        """Gives back what was kept; returns how many. What went with an old pool is not among them."""
        kept = self._state.take_kept()
        for lease in kept:
            await self.release(lease)
        return len(kept)

    async def reconfigure(self, patch: dict[str, Any]) -> None:
        """Puts a changed configuration in force. Another shape makes and warms a new pool, then swaps.

        Requests that wait for the old pool, or hold its connections, are served by it; it is closed when they are
        done, and with what has leaked as soon as all of them could have been done. Raises SettingsError, or Refused
        when the new pool cannot connect; then nothing has changed.
        """
        async with self._resizing:
            state, config, old = self._state, self.config.changed(patch), self._state.current
            if self._library.shape(config) != self._library.shape(old.config):
                state.current = await self._make(config)
                state.draining.append(old)
                task = asyncio.create_task(self._retire(old))
                self._retiring.add(task)
                task.add_done_callback(self._retiring.discard)
            state.config = config

    async def _make(self, config: Config) -> AsyncGeneration[C]:
        try:
            adapter = await self._library.open(self._address, config, self.books.connecting)
        except self._library.DATABASE_ERRORS as error:
            raise unavailable(error) from error
        return Generation(adapter, config, Account(adapter.capacity))

    async def _retire(self, old: AsyncGeneration[C]) -> None:
        """Closes an old pool when no request needs it; leaked connections are not waited for for ever."""
        while (lost := self.books.ledger.close(old.account)) is None:
            await asyncio.sleep(POLL_S)
        await self._end(old, lost)
        self._state.draining.remove(old)

    async def _end(self, generation: AsyncGeneration[C], lost: int) -> None:
        if lost:
            self._log.warning("a pool is closed with %d connections not given back", lost)
        await generation.adapter.close(self._state.forget_kept(generation))


async def wait_for_database(service: str, library: type[AsyncAdapter[Any]], settings: Settings) -> None:
    """Connects until it works, and says what it waits for; raises Refused after `db_wait_seconds`."""
    address, log = settings.address(service), logging.getLogger(service)
    deadline = monotonic() + settings.db_wait_seconds
    while True:
        try:
            await library.ping(address)
            return
        except library.DATABASE_ERRORS as error:
            if (left := deadline - monotonic()) <= 0:
                raise gave_up(address, settings.db_wait_seconds, error) from error
            log.warning("waiting for %s, %.1f s left: %s", address, left, describe(error))
            await asyncio.sleep(min(0.5, left))
