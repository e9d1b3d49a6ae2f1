"""Keeps the books around a library's acquire and release: span, count, time, and failures by their cause.

Each block holds nothing but the library's own call, and raises `Refused` in place of what the library raises. The
blocks are classes because each request passes three: a generator would cost it twice the time.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from time import monotonic
from types import TracebackType

from services.common.contract import Refusal, Refused, Timing
from services.common.ledger import Account, Ledger, Totals, Wait
from services.common.metrics import Metrics
from services.common.settings import Address
from services.common.tracing import Tracing

Errors = tuple[type[Exception], ...]
"""What a library raises."""


def unavailable(error: Exception) -> Refused:
    """A pool that cannot be made, because PostgreSQL cannot be connected to."""
    return Refused("database_unavailable", f"no connection to PostgreSQL: {describe(error)}", 0.0)


def gave_up(address: Address, waited_s: float, error: Exception) -> Refused:
    """A start that has waited for its database for long enough."""
    text = f"no answer from {address} in {waited_s:g} s: {describe(error)}"
    return Refused("database_unavailable", text, waited_s)


class Books:
    """`database` is what the library raises when a connect or a statement fails; `timeout` when a wait ends.

    `changed` is called after each acquire and release, for a service whose gauges cannot be asked.
    """

    def __init__(
        self,
        service: str,
        metrics: Metrics,
        tracing: Tracing,
        database: Errors,
        timeout: Errors,
        changed: Callable[[], None] | None = None,
    ) -> None:
        self.ledger = Ledger()
        self.tracing = tracing
        self.metrics = metrics
        self.database = database
        self.timeout = timeout
        self.changed = changed
        self.log = logging.getLogger(service)
        self._service = service

    def connecting(self) -> AbstractContextManager[None]:
        """Around one connect to PostgreSQL, wherever the library makes it."""
        return self.ledger.connecting(self.metrics.connected)

    def totals(self) -> Totals:
        return self.ledger.totals()

    def attributes(self, account: Account) -> dict[str, str | int]:
        """What both child spans say of the pool."""
        return {
            "db.system.name": "postgresql",
            "db.client.connection.pool.name": self._service,
            "poolbench.pool.capacity": account.capacity,
            "poolbench.pool.used": account.used,
            "poolbench.pool.waiting": account.waiting,
        }


class _Block:
    __slots__ = ("_books", "_span", "_timing", "_wait")
    span = ""

    def __init__(self, books: Books, wait: Wait, timing: Timing) -> None:
        self._books = books
        self._wait = wait
        self._timing = timing

    def __enter__(self) -> None:
        tracing = self._books.tracing
        if tracing.on and self.span:
            self._span = tracing.span(self.span, self._books.attributes(self._wait.account))
            self._span.__enter__()

    def _end_span(self, kind: type[BaseException] | None, error: BaseException | None) -> None:
        if self._books.tracing.on:
            self._span.__exit__(kind, error, error.__traceback__ if error else None)


class Acquiring(_Block):
    """Around the library's acquire, from asking to having, or not. `timing` gets the wait however it ends."""

    __slots__ = ("_timeout_s",)
    span = "acquire_connection"

    def __init__(self, books: Books, wait: Wait, timing: Timing, timeout_s: float) -> None:
        self._books = books
        self._wait = wait
        self._timing = timing
        self._timeout_s = timeout_s

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if error is None:
            self._note(self._books.ledger.grant(self._wait))
            self._end_span(None, None)
            return
        books, account = self._books, self._wait.account
        late = isinstance(error, books.timeout) and monotonic() - self._wait.since >= self._timeout_s
        waited_s, reason = books.ledger.refuse(self._wait, timed_out=late)
        self._note(waited_s)
        self._end_span(kind, error)
        if isinstance(error, books.database + books.timeout):
            raise Refused(reason, _cause(reason, error, account, self._timeout_s), waited_s) from error

    def _note(self, seconds: float) -> None:
        books = self._books
        self._timing.acquire_ms = seconds * 1000
        if books.changed:
            books.changed()
        if books.tracing.on:
            books.tracing.note("poolbench.waited_seconds", seconds)
            trace_id = books.tracing.trace_id()
            books.metrics.acquired(seconds, {"trace_id": trace_id} if trace_id else None)
        else:
            books.metrics.acquired(seconds)


class Releasing(_Block):
    """Around the library's release, from the end of the hold to the connection being back.

    A failure of it is logged, not raised: the work is done.
    """

    __slots__ = ("_given_back",)

    def __enter__(self) -> None:
        books, wait = self._books, self._wait
        self._given_back = books.ledger.give_back(wait.account)
        held_s = self._given_back - wait.granted
        self._timing.work_ms = held_s * 1000
        books.metrics.held(held_s)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> bool:
        books = self._books
        books.ledger.released(self._wait.account)
        self._timing.release_ms = (monotonic() - self._given_back) * 1000
        if books.changed:
            books.changed()
        if error is None or not isinstance(error, books.database + books.timeout):
            return False
        books.log.warning("a connection was lost on its release: %s", describe(error))
        return True


class Working(_Block):
    """Around the statements of one hold, and the wait for its end."""

    __slots__ = ()
    span = "database_work"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._end_span(kind, error)
        if isinstance(error, self._books.database):
            cause = f"a statement failed: {describe(error)}"
            raise Refused("database_unavailable", cause, self._timing.acquire_ms / 1000) from error


def describe(error: BaseException) -> str:
    """An exception in one line; some have no text of their own."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def _cause(reason: Refusal, error: BaseException, account: Account, timeout_s: float) -> str:
    if reason == "pool_exhausted":
        return f"all {account.capacity} connections were in use for {timeout_s:g} s"
    if reason == "pool_growing":
        return f"the pool was still connecting after {timeout_s:g} s"
    return f"no connection to PostgreSQL: {describe(error)}"
