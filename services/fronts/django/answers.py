"""Requests read and answers written in Django's terms."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponse

from services.common import contract
from services.common.encoding import encode
from services.fronts.wsgi import read_body
from services.handlers.answers import ANSWERED, Answer, Answers

View = Callable[[HttpRequest], HttpResponse]


def answer(body: dict[str, Any]) -> HttpResponse:
    return response(encode(body))


def response(content: bytes, status: int = 200, content_type: str = contract.JSON, **headers: str) -> HttpResponse:
    """Django says nothing of a length by itself."""
    return HttpResponse(
        content, content_type=content_type, status=status, headers={"Content-Length": str(len(content)), **headers}
    )


def query_of(request: HttpRequest) -> dict[str, str]:
    """The query string; raises BadRequest where the path does not know it."""
    if not request.META.get("QUERY_STRING"):
        return {}
    try:
        arguments = request.GET.lists()
    except TooManyFieldsSent as error:
        raise contract.malformed(str(error)) from error
    return contract.parse_query(request.path_info, ((name, value) for name, values in arguments for value in values))


def body_of(request: HttpRequest) -> bytes:
    """The whole body; raises BadRequest as `read_body` does.

    Not by `request.read`, which takes a body that comes in chunks for none: the server knows where one ends.
    """
    return read_body(request.META["wsgi.input"], int(request.META.get("CONTENT_LENGTH") or 0))


def answering_errors(service: str, answers: Answers, view: View) -> View:
    """The view, with an answer for each exception that it lets pass."""

    @wraps(view)
    def answering(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except Exception as error:
            if not isinstance(error, ANSWERED):
                logging.getLogger(service).error("a bug", exc_info=error)
            return refusal(answers.failed(error))

    return answering


def refusal(made: Answer) -> HttpResponse:
    return response(encode(made.body), made.status, **made.headers)
