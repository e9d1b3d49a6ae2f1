"""What a service answers, whatever its framework: the bodies of what is served, and what becomes of every exception."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from services.common import contract
from services.common.contract import BadRequest, LeakedOnPurpose, Refused
from services.common.exchange import Exchange
from services.common.settings import Settings, SettingsError
from services.common.tracing import Tracing
from services.handlers.served import Served
from services.pools.asynchronous import AsyncPool
from services.pools.synchronous import SyncPool

ANSWERED: Final = (Refused, LeakedOnPurpose, BadRequest, SettingsError)
"""What a handler raises on purpose; everything else is a bug of the service."""


class Answer(NamedTuple):
    status: int
    body: dict[str, Any]
    headers: Mapping[str, str] = {}


class Answers:
    """Those of one service. `threads` are those of each worker process, which a server may know only when it runs; None
    where requests take no threads."""

    def __init__(
        self,
        service: str,
        settings: Settings,
        pool: AsyncPool[Any] | SyncPool[Any],
        tracing: Tracing,
        threads: int | None,
    ) -> None:
        self._service = service
        self._workers = settings.workers
        self.threads = threads
        self._pool = pool
        self._tracing = tracing

    def config(self) -> dict[str, Any]:
        """What is in force."""
        fixed = {
            "service": self._service,
            "workers": self._workers,
            "threads": self.threads,
            "tracing": self._tracing.on,
        }
        return fixed | self._pool.config.model_dump()

    def stats(self) -> dict[str, Any]:
        """The pool of this process now."""
        config = self._pool.config
        return self._pool.snapshot().body(
            self._service, self._workers, config.work_time_ms, config.pool_acquire_timeout
        )

    def served(self, exchange: Exchange, seen: Served) -> dict[str, Any]:
        """The 200 of every `/api/` path."""
        return contract.served_body(
            self._service,
            exchange.timing,
            exchange.total_ms,
            seen.view,
            seen.rows,
            self._tracing.trace_id(),
            **seen.more,
        )

    def failed(self, error: Exception) -> Answer:
        """What becomes of an exception that a handler lets pass."""
        trace_id = self._tracing.trace_id()
        match error:
            case Refused():
                config, waiting = self._pool.config, self._pool.books.totals().waiting_requests
                more = {"stage": error.stage} if error.stage else {}
                body = contract.refused_body(
                    error.reason, str(error), error.waited_s, config.pool_max_size, trace_id, **more
                )
                again = contract.retry_after(waiting, config.work_time_ms, config.pool_max_size)
                return Answer(503, body, {contract.RETRY_AFTER: again})
            case LeakedOnPurpose():
                return Answer(500, contract.error_body("leaked", str(error), trace_id))
            case BadRequest():
                return Answer(error.status, contract.error_body(error.error, str(error), trace_id))
            case SettingsError():
                return Answer(422, contract.error_body("invalid", str(error), trace_id))
            case _:
                cause = "a bug of the service; its log has the traceback"
                return Answer(500, contract.error_body("internal", cause, trace_id))


def unknown(method: str, path: str) -> Answer:
    """A path or method that the contract does not have."""
    if path in contract.METHODS:
        wrong = contract.wrong_method(method, path)
        return Answer(wrong.status, contract.error_body(wrong.error, str(wrong)), contract.allow(path))
    missing = contract.not_found(path)
    return Answer(missing.status, contract.error_body(missing.error, str(missing)))
