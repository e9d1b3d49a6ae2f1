"""The floor of a pool that threads share, under Django."""

from contextlib import nullcontext
from functools import partial
from typing import Any

from django.conf import settings as django_settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from perf.bare import body, gunicorn
from services.common import contract
from services.common.settings import Settings
from services.pools.adapters import SyncAdapter


def make(service: str, library: type[SyncAdapter[Any]], settings: Settings) -> Any:
    def health(_: HttpRequest) -> HttpResponse:
        return answer(b"{}")

    def query(_: HttpRequest) -> HttpResponse:
        connection = pool.acquire(settings.pool_acquire_timeout)
        try:
            rows = pool.execute(connection, "items", contract.ROWS)
        finally:
            pool.release(connection)
        return answer(body(service, settings.pool_max_size, rows))

    def answer(content: bytes) -> HttpResponse:
        return HttpResponse(content, content_type=contract.JSON, headers={"Content-Length": str(len(content))})

    routes = {contract.STATS: health, contract.HEALTH: health, contract.QUERY: query}
    django_settings.configure(
        LOGGING_CONFIG=None,
        MIDDLEWARE=[],
        ROOT_URLCONF=tuple(path(route.removeprefix("/"), view) for route, view in routes.items()),
    )
    pool = library.open(settings.address(service), settings.config(), nullcontext)
    return get_wsgi_application()


def serve(service: str, library: type[SyncAdapter[Any]], settings: Settings) -> None:
    """Until SIGTERM."""
    gunicorn.serve(partial(make, service, library, settings), settings)
