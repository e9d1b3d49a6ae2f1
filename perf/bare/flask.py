"""The floor of a pool that threads share, under Flask."""

import logging
from contextlib import nullcontext
from typing import Any

from flask import Flask, Response
from gunicorn.app.base import BaseApplication

from perf.bare import body
from services.common import contract
from services.common.settings import Settings
from services.pools.adapters import SyncAdapter


class Server(BaseApplication):
    def __init__(self, service: str, library: type[SyncAdapter[Any]], settings: Settings) -> None:
        self._service = service
        self._library = library
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in {
            "bind": f"{self._settings.host}:{self._settings.port}",
            "worker_class": "gthread",
            "threads": self._settings.threads,
            "keepalive": contract.KEEP_ALIVE_S,
            "graceful_timeout": contract.GRACE_S,
            "control_socket_disable": True,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        service, settings = self._service, self._settings
        pool = self._library.open(settings.address(service), settings.config(), nullcontext)
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
    logging.getLogger("psycopg.pool").setLevel(logging.WARNING)
    Server(service, library, settings).run()
