"""The floor of a pool that threads share, under Flask."""

from contextlib import nullcontext
from functools import partial
from typing import Any

from flask import Flask, Response

from perf.bare import body, gunicorn
from services.common import contract
from services.common.settings import Settings
from services.pools.adapters import SyncAdapter


def make(service: str, library: type[SyncAdapter[Any]], settings: Settings) -> Flask:
    pool = library.open(settings.address(service), settings.config(), nullcontext)
    app = Flask(service, static_folder=None)

    @app.get(contract.STATS)
    @app.get(contract.HEALTH)
    def health() -> Response:
        return Response(b"{}", content_type=contract.JSON)

    @app.get(contract.QUERY)
    def query() -> Response:
        connection = pool.acquire(settings.pool_acquire_timeout)
        try:
            rows = pool.execute(connection, "items", contract.ROWS)
        finally:
            pool.release(connection)
        return Response(body(service, settings.pool_max_size, rows), content_type=contract.JSON)

    return app


def serve(service: str, library: type[SyncAdapter[Any]], settings: Settings) -> None:
    """Until SIGTERM."""
    gunicorn.serve(partial(make, service, library, settings), settings)
