"""What becomes of every exception and unknown request: the status, body and headers of its answer."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from services.common import contract
from services.common.contract import BadRequest, LeakedOnPurpose, Refused
from services.common.settings import Config, SettingsError

ANSWERED: Final = (Refused, LeakedOnPurpose, BadRequest, SettingsError)
"""What a handler raises on purpose; everything else is a bug of the service."""


class Answer(NamedTuple):
    status: int
    body: dict[str, Any]
    headers: Mapping[str, str] = {}


def failed(error: Exception, config: Config, waiting: int, trace_id: str | None) -> Answer:
    """`config` and `waiting`, the requests inside acquire, are those of now: they say when to come again."""
    match error:
        case Refused():
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
