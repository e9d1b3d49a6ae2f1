"""Requests read and answers written in Flask's terms; every refusal becomes the contract's JSON.

In: a request, a body or an exception. Out: a response.
"""

import logging
from typing import Any, Final

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from services.common import contract
from services.common.books import Refused
from services.common.contract import BadRequest
from services.common.exchange import Exchange
from services.common.settings import SettingsError
from services.common.tracing import Tracing
from services.psycopg_flask.pool import SERVICE, ServicePool

log: Final = logging.getLogger(SERVICE)


class LeakedOnPurpose(Exception):
    """What `query-leak?how=exception` raises between acquire and release."""


def answer(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(contract.encode(body), status, headers, content_type=contract.JSON)


def current_exchange() -> Exchange:
    """The request's own exchange, made by the outermost layer."""
    exchange: Exchange = request.environ["poolbench.exchange"]
    return exchange


def current_query() -> dict[str, str]:
    """The query string, refused where the path does not know it."""
    if not request.query_string:
        return {}
    return contract.parse_query(request.path, request.args.items(multi=True))


def current_body() -> bytes:
    """The whole body; refused when it is longer than any configuration."""
    body = request.stream.read(contract.MAX_BODY_BYTES + 1)
    if len(body) > contract.MAX_BODY_BYTES:
        raise contract.too_large()
    return body


def answer_errors(app: Flask, pool: ServicePool, tracing: Tracing) -> None:
    """Registers what becomes of each exception that a handler lets pass."""

    @app.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        config, counted = pool.config, pool.books.totals()
        more = {"stage": error.stage} if error.stage else {}
        body = contract.refused_body(
            error.reason, str(error), error.waited_s, config.pool_max_size, tracing.trace_id(), **more
        )
        wait = contract.retry_after(counted.waiting_requests, config.work_time_ms, config.pool_max_size)
        return answer(body, 503, {contract.RETRY_AFTER: wait})

    @app.errorhandler(LeakedOnPurpose)
    def leaked(error: LeakedOnPurpose) -> Response:
        return answer(contract.error_body("leaked", str(error), tracing.trace_id()), 500)

    @app.errorhandler(BadRequest)
    def bad_request(error: BadRequest) -> Response:
        return answer(contract.error_body(error.error, str(error), tracing.trace_id()), error.status)

    @app.errorhandler(SettingsError)
    def bad_setting(error: SettingsError) -> Response:
        return answer(contract.error_body("invalid", str(error), tracing.trace_id()), 422)

    @app.errorhandler(HTTPException)
    def unknown(_: HTTPException) -> Response:
        path = request.environ["PATH_INFO"]
        if path in contract.METHODS:
            wrong = contract.wrong_method(request.method, path)
            return answer(contract.error_body(wrong.error, str(wrong)), wrong.status, contract.allow(path))
        missing = contract.not_found(path)
        return answer(contract.error_body(missing.error, str(missing)), missing.status)

    @app.errorhandler(Exception)
    def bug(error: Exception) -> Response:
        log.error("a bug", exc_info=error)
        cause = "a bug of the service; its log has the traceback"
        return answer(contract.error_body("internal", cause, tracing.trace_id()), 500)
