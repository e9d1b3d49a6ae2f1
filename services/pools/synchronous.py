"""A pool that threads share, over any library's adapter: counted, resizable, and leaked from on purpose."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any, Generic

from services.common.books import Acquiring, Books, Releasing, Working, describe, gave_up, unavailable
from services.common.contract import ROWS, Timing
from services.common.ledger import Account
from services.common.metrics import Metrics
from services.common.settings import Config, Settings
from services.common.tracing import Tracing
from services.pools.adapters import C, SyncAdapter
from services.pools.generations import POLL_S, Generation, Generations, Lease

SyncGeneration = Generation[SyncAdapter[C]]
SyncLease = Lease[SyncAdapter[C], C]


class SyncPool(Generic[C]):
    """The pool in force, and old ones that drain. `service` is its name in PostgreSQL, metrics and logs.

    With several workers a scrape cannot ask this one alone: it tells its metrics on each change, and every second.
    """

    def __init__(
        self, service: str, library: type[SyncAdapter[C]], settings: Settings, metrics: Metrics, tracing: Tracing
    ) -> None:
        changed = self._show if metrics.several else None
        self.books = Books(service, metrics, tracing, library.DATABASE_ERRORS, library.TIMEOUT_ERRORS, changed)
        self.is_open = False
        self._library = library
        self._address = settings.address(service)
        self._state: Generations[SyncAdapter[C], C] = Generations(settings.config(), self.books)
        self.view = self._state.view
        self.snapshot = self._state.snapshot
        self.leak = self._state.leak
        self._metrics = metrics
        self._resizing = threading.Lock()
        self._log = logging.getLogger(service)

    @property
    def config(self) -> Config:
        """What is in force."""
        return self._state.config

    def open(self) -> None:
        """Makes the pool with its first connections, unless it has; raises Refused where there is no database."""
        with self._resizing:
            if self.is_open:
                return
            self._state.current = self._make(self.config)
            self.is_open = True
        self._log.info("pool of %d to %d is open", self.config.pool_min_size, self.config.pool_max_size)
        if self._metrics.several:
            threading.Thread(target=self._show_every_second, daemon=True).start()

    def close(self) -> None:
        """Closes every pool at once; what is still handed out is cut off."""
        for generation in [*self._state.draining, self._state.current]:
            lost = self.books.ledger.close(generation.account, force=True) or 0
            self._end(generation, lost)

    def acquire(self, timing: Timing, hold_ms: int = 0) -> SyncLease[C]:
        """A connection within `pool_acquire_timeout`, connect included; raises Refused."""
        generation, wait, config = self._state.ask(hold_ms)
        with Acquiring(self.books, wait, timing, config.pool_acquire_timeout):
            connection = generation.adapter.acquire(config.pool_acquire_timeout)
        return Lease(connection, generation, wait, timing, config)

    def release(self, lease: SyncLease[C]) -> None:
        with Releasing(self.books, lease.wait, lease.timing):
            lease.generation.adapter.release(lease.connection)

    @contextmanager
    def checkout(self, timing: Timing, hold_ms: int = 0) -> Iterator[SyncLease[C]]:
        """The same through the library's own context manager; raises Refused."""
        generation, wait, config = self._state.ask(hold_ms)
        context = generation.adapter.checkout(config.pool_acquire_timeout)
        with Acquiring(self.books, wait, timing, config.pool_acquire_timeout):
            connection = context.__enter__()
        try:
            yield Lease(connection, generation, wait, timing, config)
        finally:
            with Releasing(self.books, wait, timing):
                context.__exit__(*sys.exc_info())  # an exception must reach it: some roll back then

    def read(self, lease: SyncLease[C]) -> int:
        """Reads the contract's rows; returns how many came. Raises Refused where the statement fails."""
        with Working(self.books, lease.wait, lease.timing):
            return lease.generation.adapter.execute(lease.connection, "items", ROWS)

    def hold(self, lease: SyncLease[C], hold_ms: int) -> int:
        """Reads, then holds until `hold_ms` after the acquire, never less; returns the rows read.

        The transaction, where the tuning has one, ends within the hold.
        """
        adapter, connection, config = lease.generation.adapter, lease.connection, lease.config
        until = lease.wait.granted + hold_ms / 1000
        with Working(self.books, lease.wait, lease.timing):
            rows = adapter.execute(connection, "items", ROWS)
            match config.work_kind:
                case "query":
                    adapter.execute(connection, "sleep", max(0.0, until - monotonic()))
                case "cpu":
                    adapter.execute(connection, "burn", config.units(hold_ms))
                case "lock":
                    adapter.execute(connection, "lock")
                case "sleep":
                    pass
            while (left := until - monotonic()) > 0:  # again for the rest: a timer may fire early
                sleep(left)
            adapter.end(connection)
            return rows

    def release_leaks(self) -> int:
        """Gives back what was kept; returns how many. What went with an old pool is not among them."""
        kept = self._state.take_kept()
        for lease in kept:
            self.release(lease)
        return len(kept)

    def reconfigure(self, patch: dict[str, Any]) -> None:
        """Puts a changed configuration in force, as `AsyncPool.reconfigure` does."""
        with self._resizing:
            state, config, old = self._state, self.config.changed(patch), self._state.current
            if self._library.shape(config) != self._library.shape(old.config):
                state.current = self._make(config)
                state.draining.append(old)
                threading.Thread(target=self._retire, args=(old,), daemon=True).start()
            state.config = config

    def _make(self, config: Config) -> SyncGeneration[C]:
        try:
            adapter = self._library.open(self._address, config, self.books.connecting)
        except self._library.DATABASE_ERRORS as error:
            raise unavailable(error) from error
        return Generation(adapter, config, Account(adapter.capacity))

    def _retire(self, old: SyncGeneration[C]) -> None:
        """Closes an old pool when no request needs it; leaked connections are not waited for for ever."""
        while (lost := self.books.ledger.close(old.account)) is None:
            sleep(POLL_S)
        self._end(old, lost)
        self._state.draining.remove(old)

    def _end(self, generation: SyncGeneration[C], lost: int) -> None:
        if lost:
            self._log.warning("a pool is closed with %d connections not given back", lost)
        generation.adapter.close(self._state.forget_kept(generation))

    def _show(self) -> None:
        self._metrics.refresh(self.snapshot)

    def _show_every_second(self) -> None:
        while True:
            self._show()
            sleep(1)


def wait_for_database(service: str, library: type[SyncAdapter[Any]], settings: Settings) -> None:
    """Connects until it works, and says what it waits for; raises Refused after `db_wait_seconds`."""
    address, log = settings.address(service), logging.getLogger(service)
    deadline = monotonic() + settings.db_wait_seconds
    while True:
        try:
            library.ping(address)
            return
        except library.DATABASE_ERRORS as error:
            if (left := deadline - monotonic()) <= 0:
                raise gave_up(address, settings.db_wait_seconds, error) from error
            log.warning("waiting for %s, %.1f s left: %s", address, left, describe(error))
            sleep(min(0.5, left))
