"""Requests read and answers written in FastAPI's terms; every refusal becomes the contract's JSON.

In: a request, a body or an exception. Out: a response.
"""

import logging
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from services.common import contract
from services.common.books import Refused
from services.common.contract import BadRequest
from services.common.exchange import Exchange
from services.common.settings import SettingsError
from services.common.tracing import Tracing
from services.sqlalchemy_fastapi.pool import SERVICE, ServicePool

log: Final = logging.getLogger(SERVICE)


class LeakedOnPurpose(Exception):
    """What `query-leak?how=exception` raises between acquire and release."""


def answer(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(contract.encode(body), status, headers, contract.JSON)


def exchange_of(request: Request) -> Exchange:
    """The request's own exchange, made by the outermost layer."""
    exchange: Exchange = request.scope["exchange"]
    return exchange


def query_of(request: Request) -> dict[str, str]:
    """The query string, refused where the path does not know it."""
    if not request.scope["query_string"]:
        return {}
    return contract.parse_query(request.scope["path"], request.query_params.multi_items())


async def body_of(request: Request) -> bytes:
    """The whole body; refused when it is longer than any configuration."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > contract.MAX_BODY_BYTES:
            raise contract.too_large()
    return body


def answer_errors(app: FastAPI, pool: ServicePool, tracing: Tracing) -> None:
    """Registers what becomes of each exception that a handler lets pass."""

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        config, counted = pool.config, pool.books.totals()
        more = {"stage": error.stage} if error.stage else {}
        body = contract.refused_body(
            error.reason, str(error), error.waited_s, config.pool_max_size, tracing.trace_id(), **more
        )
        wait = contract.retry_after(counted.waiting_requests, config.work_time_ms, config.pool_max_size)
        return answer(body, 503, {contract.RETRY_AFTER: wait})

    @app.exception_handler(LeakedOnPurpose)
    async def leaked(_: Request, error: LeakedOnPurpose) -> Response:
        return answer(contract.error_body("leaked", str(error), tracing.trace_id()), 500)

    @app.exception_handler(BadRequest)
    async def bad_request(_: Request, error: BadRequest) -> Response:
        return answer(contract.error_body(error.error, str(error), tracing.trace_id()), error.status)

    @app.exception_handler(SettingsError)
    async def bad_setting(_: Request, error: SettingsError) -> Response:
        return answer(contract.error_body("invalid", str(error), tracing.trace_id()), 422)

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, _: HTTPException) -> Response:
        path = request.scope["path"]
        if path in contract.METHODS:
            wrong = contract.wrong_method(request.method, path)
            return answer(contract.error_body(wrong.error, str(wrong)), wrong.status, contract.allow(path))
        missing = contract.not_found(path)
        return answer(contract.error_body(missing.error, str(missing)), missing.status)

    @app.exception_handler(Exception)
    async def bug(_: Request, __: Exception) -> Response:
        cause = "a bug of the service; its log has the traceback"
        return answer(contract.error_body("internal", cause, tracing.trace_id()), 500)
