"""The pool in force and old ones that drain: what is the same whether its users await or block."""

import threading
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from services.common.books import Books
from services.common.contract import PoolView, Timing
from services.common.ledger import Account, Wait
from services.common.metrics import PoolStats
from services.common.settings import Config
from services.pools.adapters import Adapter, C

A = TypeVar("A", bound=Adapter)

POLL_S: Final = 0.02
"""How often an old pool is looked at, until no request needs it: no event tells of another account's idleness."""


@dataclass(slots=True, eq=False)
class Generation(Generic[A]):
    """One pool of the library, and the account of the requests that still need it."""

    adapter: A
    config: Config
    account: Account


@dataclass(slots=True, eq=False)
class Lease(Generic[A, C]):
    """A connection handed to a request."""

    connection: C
    generation: Generation[A]
    wait: Wait
    timing: Timing
    config: Config
    """What was in force when the request asked."""


class Generations(Generic[A, C]):
    """`current` is set by `open`. A new size is a new generation; the old one is closed when no request needs it."""

    def __init__(self, config: Config, books: Books) -> None:
        self.config = config
        self.books = books
        self.current: Generation[A]
        self.draining: list[Generation[A]] = []
        self._kept: list[Lease[A, C]] = []
        self._keeping = threading.Lock()

    def ask(self, hold_ms: int) -> tuple[Generation[A], Wait, Config]:
        """Begins to wait for the pool in force; an old one that was closed just now is not asked."""
        while True:
            generation, config = self.current, self.config
            if wait := self.books.ledger.ask(generation.account, hold_ms, config.pool_acquire_timeout):
                return generation, wait, config

    def leak(self, lease: Lease[A, C], *, keep: bool) -> None:
        """The bug on purpose: the request ends without a release, and the reference is kept or lost with it."""
        self.books.ledger.leak(lease.generation.account)
        if keep:
            with self._keeping:
                self._kept.append(lease)

    def take_kept(self) -> list[Lease[A, C]]:
        """Every leaked connection that is still referred to; those of closed pools are not among them."""
        with self._keeping:
            kept, self._kept = self._kept, []
        for lease in kept:
            self.books.ledger.found(lease.generation.account)
        return kept

    def forget_kept(self, generation: Generation[A]) -> list[C]:
        """The leaked connections of a pool that is about to be closed."""
        with self._keeping:
            forgotten = [lease.connection for lease in self._kept if lease.generation is generation]
            self._kept = [lease for lease in self._kept if lease.generation is not generation]
        return forgotten

    def view(self) -> PoolView:
        """What a request reports of the pool while it holds a connection."""
        size, free = self.current.adapter.sizes()
        return PoolView(self.config.pool_max_size, size, free)

    def snapshot(self) -> PoolStats:
        size, free = self.current.adapter.sizes()
        return PoolStats(
            pool_min_size=self.config.pool_min_size,
            pool_max_size=self.config.pool_max_size,
            pool_size=size,
            pool_free_size=free,
            counted=self.books.totals(),
            draining=tuple(
                {"pool_max_size": old.config.pool_max_size, "used": old.account.used, "waiting": old.account.waiting}
                for old in tuple(self.draining)
            ),
        )
