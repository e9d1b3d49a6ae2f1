"""Requests read and answers written in Flask's terms."""

import logging
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from services.common import contract
from services.common.encoding import encode
from services.common.exchange import Exchange
from services.fronts.wsgi import exchange_of, read_body
from services.handlers.answers import ANSWERED, Answer, Answers, unknown


def answer(body: dict[str, Any]) -> Response:
    return Response(encode(body), content_type=contract.JSON)


def current_exchange() -> Exchange:
    return exchange_of(request.environ)


def current_query() -> dict[str, str]:
    """The query string; raises BadRequest where the path does not know it."""
    if not request.query_string:
        return {}
    return contract.parse_query(request.path, request.args.items(multi=True))


def current_body() -> bytes:
    """The whole body; raises BadRequest as `read_body` does."""
    return read_body(request.stream, request.content_length or 0)


def answer_errors(app: Flask, answers: Answers) -> None:
    """Registers what becomes of each exception that a handler lets pass."""

    def failed(error: Exception) -> Response:
        if not isinstance(error, ANSWERED):
            logging.getLogger(app.name).error("a bug", exc_info=error)
        return _response(answers.failed(error))

    def missing(_: HTTPException) -> Response:
        return _response(unknown(request.method, request.environ["PATH_INFO"]))

    app.register_error_handler(Exception, failed)
    app.register_error_handler(HTTPException, missing)


def _response(made: Answer) -> Response:
    return Response(encode(made.body), made.status, made.headers, content_type=contract.JSON)
