"""What a service counts of its own pool, right on every way out: success, timeout, error, cancel.

The pool library is never asked. One lock makes it hold for threads as for an event loop.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

from services.common.contract import Refusal


@dataclass(slots=True, eq=False)
class Account:
    """One pool's share of the ledger, so that an old pool is closed when no request needs it any more."""

    capacity: int
    """The most connections that this pool may hand out (c, and the library's overflow where it has one)."""
    waiting: int = 0
    used: int = 0
    releasing: int = 0
    leaked: int = 0
    """Those of `used` that no handler will give back by itself."""
    done_by: float = 0.0
    """On the monotonic clock: when every request that has asked is done, by acquire timeout and hold."""
    closed: bool = False


@dataclass(slots=True, eq=False)
class Wait:
    """One handler's wait, on the monotonic clock: since when, and when it was granted a connection."""

    account: Account
    since: float
    connect_failures: int
    connects_given_up: int
    """How many connects had failed, and how many been cancelled, when it began."""
    granted: float = 0.0


@dataclass(frozen=True, slots=True)
class Totals:
    """The ledger at one moment. The `_total`s never fall; the integrals are in seconds."""

    pool_used_size: int
    waiting_requests: int
    pool_connecting: int
    acquired_total: int
    released_total: int
    timed_out_total: int
    failed_total: int
    leaked_total: int
    abandoned_total: int
    waiter_seconds_total: float
    used_seconds_total: float


@dataclass(slots=True)
class Ledger:
    """All pools of one process, the one in force and those that drain."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _changed: float = field(default_factory=monotonic)
    _waiting: int = 0
    _used: int = 0
    _connecting: int = 0
    _connect_failures: int = 0
    _connect_failed_last: bool = False
    _connects_given_up: int = 0
    _acquired: int = 0
    _released: int = 0
    _timed_out: int = 0
    _failed: int = 0
    _leaked: int = 0
    _abandoned: int = 0
    _waiter_seconds: float = 0.0
    _used_seconds: float = 0.0

    def ask(self, account: Account, hold_ms: int, acquire_timeout_s: float) -> Wait | None:
        """A handler begins to wait for a connection that it means to hold for `hold_ms`.

        None where the account was closed since the handler looked: ask the pool in force again.
        """
        with self._lock:
            if account.closed:
                return None
            now = self._advance()
            self._waiting += 1
            account.waiting += 1
            account.done_by = max(account.done_by, now + acquire_timeout_s + hold_ms / 1000)
            return Wait(account, now, self._connect_failures, self._connects_given_up)

    def grant(self, wait: Wait) -> float:
        """The wait ends with a connection; returns its length in seconds."""
        with self._lock:
            now = self._advance()
            self._waiting -= 1
            wait.account.waiting -= 1
            self._acquired += 1
            if wait.account.closed:  # cut off while it waited: there is nothing that it could give back
                self._abandoned += 1
            else:
                self._used += 1
                wait.account.used += 1
            wait.granted = now
            return now - wait.since

    def refuse(self, wait: Wait, *, timed_out: bool) -> tuple[float, Refusal]:
        """The wait ends without one; returns its length in seconds and what was the matter."""
        account = wait.account
        with self._lock:
            now = self._advance()
            self._waiting -= 1
            account.waiting -= 1
            if timed_out:
                self._timed_out += 1
            else:
                self._failed += 1
            return now - wait.since, self._reason(wait, timed_out=timed_out)

    def _reason(self, wait: Wait, *, timed_out: bool) -> Refusal:
        """What was the matter, by the service's own counts: libraries raise the same for all three."""
        account = wait.account
        if timed_out and account.used + account.releasing >= account.capacity:
            return "pool_exhausted"
        failed_meanwhile = self._connect_failures > wait.connect_failures
        if not timed_out or failed_meanwhile or (self._connect_failed_last and not self._connecting):
            return "database_unavailable"
        # The deadline itself may have cancelled the connect. Where there was none either, a connection came
        # free in this very moment, for another request.
        growing = self._connecting or self._connects_given_up > wait.connects_given_up
        return "pool_growing" if growing else "pool_exhausted"

    def give_back(self, account: Account) -> float:
        """A handler is done with its connection; returns when, on the monotonic clock.

        Called before the library's release is awaited: a waiter that is served within it would
        otherwise be counted while this one still is. `released` says when the release has ended.
        """
        with self._lock:
            now = self._advance()
            account.releasing += 1
            if not account.closed:
                self._used -= 1
                account.used -= 1
                self._released += 1
            return now

    def released(self, account: Account) -> None:
        with self._lock:
            account.releasing -= 1

    def leak(self, account: Account) -> None:
        """A handler ends without giving its connection back, on purpose."""
        with self._lock:
            self._leaked += 1
            account.leaked += 1

    def found(self, account: Account) -> None:
        """A leaked connection is about to be given back after all."""
        with self._lock:
            account.leaked -= 1

    def close(self, account: Account, *, force: bool = False) -> int | None:
        """Closes the account of an old pool; returns how many connections were still handed out.

        None while it is needed: by a waiter, a handler that holds, a release under way; and by leaked
        connections until every request could have been done. `force` asks for none of this.
        """
        with self._lock:
            now = self._advance()
            busy = account.waiting or account.releasing or account.used > account.leaked
            waits_for_leaks = account.used and now < account.done_by
            if (busy or waits_for_leaks) and not force:
                return None
            account.closed = True
            lost, account.used = account.used, 0
            self._used -= lost
            self._abandoned += lost
            return lost

    @contextmanager
    def connecting(self, observe: Callable[[float], None]) -> Iterator[None]:
        """Around one connect to PostgreSQL; `observe` gets its seconds, failed or not.

        One that is cancelled, because no request waits for it any longer, is no failure of the database.
        """
        began = monotonic()
        with self._lock:
            self._connecting += 1
        failed = given_up = False
        try:
            yield
        except Exception:
            failed = True
            raise
        except BaseException:
            given_up = True
            raise
        finally:
            with self._lock:
                self._connecting -= 1
                self._connect_failures += failed
                self._connect_failed_last = failed
                self._connects_given_up += given_up
            observe(monotonic() - began)

    def totals(self) -> Totals:
        with self._lock:
            self._advance()
            return Totals(
                self._used,
                self._waiting,
                self._connecting,
                self._acquired,
                self._released,
                self._timed_out,
                self._failed,
                self._leaked,
                self._abandoned,
                self._waiter_seconds,
                self._used_seconds,
            )

    def _advance(self) -> float:
        now = monotonic()
        passed = now - self._changed
        self._changed = now
        self._waiter_seconds += passed * self._waiting
        self._used_seconds += passed * self._used
        return now
