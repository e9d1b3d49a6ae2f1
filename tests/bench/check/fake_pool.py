"""The pool of the fake service: first come, first served, and wrong in one way where a test asks for it."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal

from services.common.contract import Refusal, Timing
from services.common.ledger import Account, Ledger, Wait
from services.common.settings import Config

Defect = Literal[
    "one too many",
    "one too few",
    "last come first served",
    "short hold",
    "short hold told as long",
    "early timeout",
    "late timeout",
    "waiters uncounted",
    "waiters still counted",
    "waits told as zero",
    "waiter integral halved",
    "200 for a timeout",
    "wrong error",
    "no Retry-After",
    "rows missing",
    "settings ignored",
    "unknown keys taken",
    "half a patch taken",
    "any page may change it",
    "health waits",
    "health waits at times",
    "noop takes a connection",
    "noop takes a connection at times",
    "noop slow and timeouts late",
    "metrics of successes only",
    "counters appear late",
    "connections not reset",
    "leak heals",
    "leak uncounted",
    "nested keeps the first",
    "several keeps the first",
    "several once",
    "several blames the first",
    "resize fails waiters",
    "proper holds short",
    "cpu ignored",
    "HEAD taken for GET",
    "trailing slash taken",
    "no Server-Timing on errors",
]

CONNECT_S = 0.005
SLACK_S = 0.001
"""A loop's timer may be early by its resolution; a timeout must not be."""


class Refused(Exception):
    def __init__(self, reason: Refusal, waited_s: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.waited_s = waited_s
        self.stage: str | None = None


class Aborted(Exception):
    """What a statement gets in a transaction that failed."""


class Closed(Exception):
    """A waiter whose pool was closed under it."""


@dataclass(eq=False)
class Pool:
    """One generation: `size` slots, of which `made` are connected."""

    size: int
    idle: int
    account: Account
    ledger: Ledger
    queue: list[asyncio.Future[None]] = field(default_factory=list)
    last_first: bool = False
    free: int = 0
    dirty: int = 0
    """How many of the idle ones are in a transaction that failed; they are handed out first."""

    def __post_init__(self) -> None:
        self.free = self.size

    async def take(self) -> None:
        if self.free:
            self.free -= 1
        else:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.queue.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._undo()
                raise
        if self.idle:
            self.idle -= 1
            return
        try:
            with self.ledger.connecting(lambda _: None):
                await asyncio.sleep(CONNECT_S)
        except asyncio.CancelledError:
            self._undo()
            raise

    def give(self) -> None:
        self.idle += 1
        while self.queue:
            turn = self.queue.pop(-1 if self.last_first else 0)
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1

    def _undo(self) -> None:
        """The slot goes to the next; no connection was taken from the idle ones."""
        self.idle -= 1
        self.give()


@dataclass(eq=False)
class Lease:
    pool: Pool
    wait: Wait
    timing: Timing
    dirty: bool = False


class FakePool:
    """The pool in force, the old ones, and the ledger over all."""

    def __init__(self, config: Config, defects: frozenset[Defect]) -> None:
        self.defects = defects
        self.ledger = Ledger()
        self.config = config
        self.kept: list[Lease] = []
        self.old: list[Pool] = []
        self.current = self._make(config)

    def reconfigure(self, config: Config) -> None:
        before, self.config = self.config, config
        if (before.pool_min_size, before.pool_max_size) == (config.pool_min_size, config.pool_max_size):
            return
        retired, self.current = self.current, self._make(config)
        if "resize fails waiters" in self.defects:
            for turn in retired.queue:
                turn.set_exception(Closed())
            retired.queue.clear()
        self.old.append(retired)

    def draining(self) -> list[Pool]:
        self.old = [pool for pool in self.old if self.ledger.close(pool.account) is None]
        return self.old

    async def acquire(self, timing: Timing, hold_ms: int, *, acquire_timeout_s: float | None = None) -> Lease:
        timeout_s = self.config.pool_acquire_timeout if acquire_timeout_s is None else acquire_timeout_s
        timeout_s *= 0.7 if "early timeout" in self.defects else 8 if "late timeout" in self.defects else 1
        timeout_s *= 3 if "noop slow and timeouts late" in self.defects else 1
        pool = self.current
        wait = self.ledger.ask(pool.account, hold_ms, timeout_s)
        assert wait is not None
        try:
            await self._bounded(pool.take(), timeout_s)
        except (TimeoutError, Closed) as error:
            waited_s, reason = self.ledger.refuse(wait, timed_out=isinstance(error, TimeoutError))
            timing.acquire_ms = waited_s * 1000
            raise Refused(reason, waited_s) from error
        except asyncio.CancelledError:
            self.ledger.refuse(wait, timed_out=False)
            raise
        timing.acquire_ms = self.ledger.grant(wait) * 1000
        dirty = pool.dirty > 0
        pool.dirty -= dirty
        return Lease(pool, wait, timing, dirty)

    def release(self, lease: Lease) -> None:
        lease.timing.work_ms = (self.ledger.give_back(lease.pool.account) - lease.wait.granted) * 1000
        began = monotonic()
        lease.pool.dirty += lease.dirty
        lease.pool.give()
        self.ledger.released(lease.pool.account)
        lease.timing.release_ms = (monotonic() - began) * 1000

    def leak(self, lease: Lease, *, keep: bool) -> None:
        if "leak uncounted" not in self.defects:
            self.ledger.leak(lease.pool.account)
        if "leak heals" in self.defects:
            asyncio.get_running_loop().call_later(0.02, self.release, lease)
        elif keep:
            self.kept.append(lease)

    def release_leaks(self) -> int:
        kept, self.kept = self.kept, []
        for lease in kept:
            self.ledger.found(lease.pool.account)
            self.release(lease)
        return len(kept)

    async def _bounded(self, taking: Awaitable[None], timeout_s: float) -> None:
        async with asyncio.timeout(timeout_s + SLACK_S):
            await taking

    def _make(self, config: Config) -> Pool:
        more = 1 if "one too many" in self.defects else -1 if "one too few" in self.defects else 0
        account, last_first = Account(config.pool_max_size), "last come first served" in self.defects
        size = max(1, config.pool_max_size + more)
        return Pool(size, config.pool_min_size, account, self.ledger, last_first=last_first)


async def hold(lease: Lease, config: Config, hold_ms: int, defects: frozenset[Defect]) -> None:
    """Holds until `hold_ms` after the grant, and as long as the units take where there are any.

    Raises Aborted on a connection that somebody left in a transaction that failed.
    """
    if lease.dirty:
        raise Aborted
    share = 0.8 if "short hold" in defects else 0.5 if "short hold told as long" in defects else 1
    until = lease.wait.granted + hold_ms * share / 1000
    if config.work_kind == "cpu" and "cpu ignored" not in defects:
        until = max(until, lease.wait.granted + config.units(hold_ms) / 20_000_000)
    try:
        while (left := until - monotonic()) > 0:
            with suppress(TimeoutError):
                await asyncio.sleep(left)
    except asyncio.CancelledError:
        lease.dirty = "connections not reset" in defects
        raise
