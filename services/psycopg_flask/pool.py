"""`psycopg_pool.ConnectionPool`: open, close, resize, snapshot, and an acquire that is bounded, timed and counted.

In: the configuration in force and a request's `Timing`. Out: a `Lease` on a connection, or `Refused`.
"""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, Final, Self

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg_pool import ConnectionPool, PoolTimeout

from services.common.books import Books, Refused, describe
from services.common.contract import PoolView, Timing
from services.common.ledger import Account, Wait
from services.common.metrics import Metrics, PoolStats
from services.common.settings import Config, Settings, SettingsError
from services.common.tracing import Tracing

SERVICE: Final = "psycopg_flask"
DATABASE_ERRORS: Final = (psycopg.Error, OSError)
TIMEOUT_ERRORS: Final = (PoolTimeout,)
CONNECT_TIMEOUT_S: Final = 5
OPEN_TIMEOUT_S: Final = 10.0
"""The pool connects in threads of its own, and reports a failure only by not being ready in time."""
CLOSE_TIMEOUT_S: Final = 0.3
NEVER_S: Final = 1e9

log = logging.getLogger(SERVICE)


@dataclass(slots=True, eq=False)
class Generation:
    """One pool, and the account of those who still need it."""

    pool: ConnectionPool[psycopg.Connection]
    config: Config
    account: Account


@dataclass(slots=True, eq=False)
class Lease:
    """A connection handed to a handler."""

    connection: psycopg.Connection
    generation: Generation
    wait: Wait
    timing: Timing


def require_c_build() -> None:
    """Raises SettingsError on psycopg's pure Python build: it would be another driver than is compared."""
    if psycopg.pq.__impl__ == "python":
        raise SettingsError("psycopg runs on its pure Python build: install psycopg[binary]")


def wait_for_database(settings: Settings) -> None:
    """Connects until it works, and says what it waits for; raises Refused after `db_wait_seconds`."""
    where = f"PostgreSQL at {settings.db_host}:{settings.db_port}/{settings.db_name}"
    deadline = monotonic() + settings.db_wait_seconds
    while True:
        try:
            psycopg.connect(_conninfo(settings), connect_timeout=CONNECT_TIMEOUT_S).close()
            return
        except DATABASE_ERRORS as error:
            left = deadline - monotonic()
            if left <= 0:
                text = f"no answer from {where} in {settings.db_wait_seconds:g} s: {describe(error)}"
                raise Refused("database_unavailable", text, settings.db_wait_seconds) from error
            log.warning("waiting for %s, %.1f s left: %s", where, left, describe(error))
            sleep(min(0.5, left))


class ServicePool:
    """The pool in force, and old ones that drain."""

    def __init__(self, settings: Settings, metrics: Metrics, tracing: Tracing) -> None:
        changed = self._show if metrics.several else None
        self.config = settings.config()
        self.books = Books(SERVICE, metrics, tracing, DATABASE_ERRORS, TIMEOUT_ERRORS, changed)
        self._metrics = metrics
        self._settings = settings
        self._current: Generation
        self._draining: list[Generation] = []
        self._kept: list[Lease] = []
        self._keeping = threading.Lock()
        self._resizing = threading.Lock()

    def open(self) -> None:
        """Makes the pool with its first connections; raises Refused where there is no database."""
        self._current = self._make(self.config)
        log.info("pool of %d to %d is open", self.config.pool_min_size, self.config.pool_max_size)
        if self._metrics.several:
            threading.Thread(target=self._show_every_second, daemon=True).start()

    def close(self) -> None:
        """Closes every pool at once; what is still handed out is cut off."""
        for generation in [*self._draining, self._current]:
            lost = self.books.ledger.close(generation.account, force=True) or 0
            self._end(generation, lost)

    def acquire(self, timing: Timing, hold_ms: int = 0) -> Lease:
        """A connection within `pool_acquire_timeout`, connect included; raises Refused."""
        timeout = self.config.pool_acquire_timeout
        generation, wait = self._ask(hold_ms, timeout)
        with self.books.acquiring(wait, timing, timeout):
            connection = generation.pool.getconn(timeout=timeout)
        return Lease(connection, generation, wait, timing)

    def release(self, lease: Lease) -> None:
        """Gives the connection back. In autocommit that is no round trip; `as_shipped` it may be a rollback, which the
        library does in this thread and bounds by nothing."""
        with self.books.releasing(lease.wait, lease.timing):
            lease.generation.pool.putconn(lease.connection)

    @contextmanager
    def connection(self, timing: Timing, hold_ms: int = 0) -> Iterator[Lease]:
        """The same through the library's own context manager, `with pool.connection()`."""
        timeout = self.config.pool_acquire_timeout
        generation, wait = self._ask(hold_ms, timeout)
        with ExitStack() as stack:
            with self.books.acquiring(wait, timing, timeout):
                context = generation.pool.connection(timeout=timeout)
                connection = stack.enter_context(context)
            try:
                yield Lease(connection, generation, wait, timing)
            finally:
                with self.books.releasing(wait, timing):
                    stack.__exit__(*sys.exc_info())  # an exception must reach it: it rolls back then

    def leak(self, lease: Lease, *, keep: bool) -> None:
        """The bug on purpose: the handler ends without `release`. Kept, the reference lives on; else it is lost."""
        self.books.ledger.leak(lease.generation.account)
        if keep:
            with self._keeping:
                self._kept.append(lease)

    def release_leaks(self) -> int:
        """Gives back what was kept; returns how many. What went with an old pool is not among them."""
        with self._keeping:
            kept, self._kept = self._kept, []
        for lease in kept:
            self.books.ledger.found(lease.generation.account)
            self.release(lease)
        return len(kept)

    def reconfigure(self, patch: dict[str, Any]) -> None:
        """Puts a changed configuration in force. Another size makes and warms a new pool, then swaps.

        Those who wait for the old pool, or hold its connections, are served by it; it is closed when
        they are done, and with what has leaked as soon as everybody could have been done. Raises SettingsError,
        or Refused when the new pool cannot connect; then nothing has changed. (`ConnectionPool.resize`
        does not shrink under load: what is handed out comes back into the pool.)
        """
        with self._resizing:
            config = self.config.changed(patch)
            old = self._current
            if _shape(config) != _shape(old.config):
                self._current = self._make(config)
                self._draining.append(old)
                threading.Thread(target=self._retire, args=(old,), daemon=True).start()
            self.config = config

    def view(self) -> PoolView:
        """What a handler reports of the pool while it holds a connection."""
        stats = self._current.pool.get_stats()
        return PoolView(self.config.pool_max_size, stats["pool_size"], stats["pool_available"])

    def snapshot(self) -> PoolStats:
        stats = self._current.pool.get_stats()
        return PoolStats(
            min_size=self.config.pool_min_size,
            max_size=self.config.pool_max_size,
            size=stats["pool_size"],
            free=stats["pool_available"],
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

    def _make(self, config: Config) -> Generation:
        """A new pool with `pool_min_size` connections made; raises Refused."""
        lasting: dict[str, Any] = {}
        options: dict[str, Any] = {}
        if config.tuning == "equalised":
            # Exactly these connections for good. Autocommit: no transaction that must be ended. Prepared at the first
            # execution, as asyncpg does.
            lasting = {"max_lifetime": NEVER_S, "max_idle": NEVER_S}
            options = {"autocommit": True, "prepare_threshold": 0}
        pool = ConnectionPool(
            _conninfo(self._settings),
            connection_class=self._counted(),
            kwargs=options,
            min_size=config.pool_min_size,
            max_size=config.pool_max_size,
            open=False,
            **lasting,
        )
        try:
            pool.open(wait=True, timeout=OPEN_TIMEOUT_S)
        except DATABASE_ERRORS as error:
            raise Refused("database_unavailable", f"no connection to PostgreSQL: {describe(error)}", 0.0) from error
        return Generation(pool, config, Account(config.pool_max_size))

    def _counted(self) -> type[psycopg.Connection]:
        books = self.books

        class CountedConnection(psycopg.Connection):
            @classmethod
            def connect(cls, *args: Any, **options: Any) -> Self:
                with books.connecting():
                    return super().connect(*args, **options)

        return CountedConnection

    def _retire(self, old: Generation) -> None:
        """Closes an old pool when nobody needs it any more; leaked connections are not waited for for ever."""
        while (lost := self.books.ledger.close(old.account)) is None:
            sleep(0.02)
        self._end(old, lost)
        self._draining.remove(old)

    def _end(self, generation: Generation, lost: int) -> None:
        if lost:
            log.warning("a pool is closed with %d connections not given back", lost)
        with self._keeping:
            abandoned = [lease for lease in self._kept if lease.generation is generation]
            self._kept = [lease for lease in self._kept if lease.generation is not generation]
        generation.pool.close(timeout=CLOSE_TIMEOUT_S)
        for lease in abandoned:
            lease.connection.close()

    def _show(self) -> None:
        """Several workers share metrics by file: nobody can ask this one, so it tells on each change."""
        self._metrics.refresh(self.snapshot)

    def _show_every_second(self) -> None:
        while True:
            self._show()
            sleep(1)


def _conninfo(settings: Settings) -> str:
    return make_conninfo(
        host=settings.db_host,
        port=settings.db_port,
        dbname=settings.db_name,
        user=settings.db_user,
        password=settings.db_password,
        application_name=SERVICE,
    )


def _shape(config: Config) -> tuple[int, int]:
    return config.pool_min_size, config.pool_max_size
