"""Requests read and answers written in FastAPI's terms."""

from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from services.common import contract
from services.common.encoding import encode
from services.common.exchange import Exchange
from services.handlers.answers import ANSWERED, Answer, Answers, unknown


def answer(body: dict[str, Any]) -> Response:
    return Response(encode(body), media_type=contract.JSON)


def exchange_of(request: Request) -> Exchange:
    """The request's own exchange, made by the outermost layer."""
    exchange: Exchange = request.scope["exchange"]
    return exchange


def query_of(request: Request) -> dict[str, str]:
    """The query string; raises BadRequest where the path does not know it."""
    if not request.scope["query_string"]:
        return {}
    return contract.parse_query(request.scope["path"], request.query_params.multi_items())


async def body_of(request: Request) -> bytes:
    """The whole body; raises BadRequest when it is longer than any configuration, or does not come in full."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > contract.MAX_BODY_BYTES:
                raise contract.too_large()
    except ClientDisconnect:  # the client has left, and the log needs no traceback
        raise contract.malformed(f"the connection ended after {len(body)} bytes of the body") from None
    return body


def answer_errors(app: FastAPI, answers: Answers) -> None:
    """Registers what becomes of each exception that a handler lets pass."""

    async def failed(_: Request, error: Exception) -> Response:
        return _response(answers.failed(error))

    async def missing(request: Request, _: Exception) -> Response:
        return _response(unknown(request.method, request.scope["path"]))

    for kind in (*ANSWERED, Exception):
        app.add_exception_handler(kind, failed)
    app.add_exception_handler(HTTPException, missing)


def _response(made: Answer) -> Response:
    return Response(encode(made.body), made.status, made.headers, contract.JSON)
