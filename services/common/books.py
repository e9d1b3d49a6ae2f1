"""Keeps the books around a library's acquire and release: span, count, time, and failures by their cause.

In: a `with` block that holds nothing but the library's own call. Out: the request's `Timing`, the ledger,
the histograms, and `Refused` in place of whatever the library raises.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from time import monotonic

from services.common.contract import Refusal, Timing
from services.common.ledger import Account, Ledger, Totals, Wait
from services.common.metrics import Metrics
from services.common.tracing import Tracing

Errors = tuple[type[Exception], ...]


class Refused(Exception):
    """No connection, or one that did not answer: the 503 of the contract.

    `stage` says which acquire it was, where a request makes more than one.
    """

    def __init__(self, reason: Refusal, cause: str, waited_s: float, stage: str | None = None) -> None:
        super().__init__(cause)
        self.reason = reason
        self.waited_s = waited_s
        self.stage = stage


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
        self._changed = changed
        self._service = service
        self._metrics = metrics
        self._database = database
        self._timeout = timeout
        self._log = logging.getLogger(service)

    @contextmanager
    def acquiring(self, wait: Wait, timing: Timing, timeout_s: float) -> Iterator[None]:
        """Around the library's acquire. `timing` gets the wait whether it ends well or not."""
        account = wait.account
        with self.tracing.span("acquire_connection", **self._attributes(account)) as span:
            try:
                yield
            except BaseException as error:
                late = isinstance(error, self._timeout) and monotonic() - wait.since >= timeout_s
                waited_s, reason = self.ledger.refuse(wait, timed_out=late)
                self._waited(timing, waited_s)
                if span is not None:
                    span.set_attribute("poolbench.waited_seconds", waited_s)
                if not isinstance(error, self._database + self._timeout):
                    raise
                raise Refused(reason, self._cause(reason, error, account, timeout_s), waited_s) from error
            self._waited(timing, self.ledger.grant(wait))

    @contextmanager
    def releasing(self, wait: Wait, timing: Timing) -> Iterator[None]:
        """Around the library's release. A failure of it is logged, not raised: the work is done."""
        given_back = self.ledger.give_back(wait.account)
        held_s = given_back - wait.granted
        timing.work_ms = held_s * 1000
        self._metrics.held(held_s)
        try:
            yield
        except self._database + self._timeout as error:
            self._log.warning("a connection was lost on its release: %s", describe(error))
        finally:
            self.ledger.released(wait.account)
            timing.release_ms = (monotonic() - given_back) * 1000
            if self._changed:
                self._changed()

    @contextmanager
    def working(self, account: Account, timing: Timing) -> Iterator[None]:
        """Around the statements of one hold."""
        with self.tracing.span("database_work", **self._attributes(account)):
            try:
                yield
            except self._database as error:
                cause = f"a statement failed: {describe(error)}"
                raise Refused("database_unavailable", cause, timing.acquire_ms / 1000) from error

    def connecting(self) -> AbstractContextManager[None]:
        """Around one connect to PostgreSQL, wherever the library makes it."""
        return self.ledger.connecting(self._metrics.connected)

    def totals(self) -> Totals:
        return self.ledger.totals()

    def _waited(self, timing: Timing, seconds: float) -> None:
        timing.acquire_ms = seconds * 1000
        if self._changed:
            self._changed()
        trace_id = self.tracing.sampled_trace_id()
        self._metrics.acquired(seconds, {"trace_id": trace_id} if trace_id else None)

    def _attributes(self, account: Account) -> dict[str, str | int]:
        return {
            "db.system.name": "postgresql",
            "db.client.connection.pool.name": self._service,
            "poolbench.pool.capacity": account.capacity,
            "poolbench.pool.used": account.used,
            "poolbench.pool.waiting": account.waiting,
        }

    def _cause(self, reason: Refusal, error: BaseException, account: Account, timeout_s: float) -> str:
        if reason == "pool_exhausted":
            return f"all {account.capacity} connections were in use for {timeout_s:g} s"
        if reason == "pool_growing":
            return f"the pool was still connecting after {timeout_s:g} s"
        return f"no connection to PostgreSQL: {describe(error)}"


def describe(error: BaseException) -> str:
    """An exception in one line; some have no text of their own."""
    return " ".join(str(error).split())[:300] or type(error).__name__
