"""gunicorn's threads for the floor of a stack: its own worker, as it comes."""

import logging
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication

from services.common import contract
from services.common.settings import Settings


class Server(BaseApplication):
    """`make` makes the application, in the worker."""

    def __init__(self, make: Callable[[], Any], settings: Settings) -> None:
        self._make = make
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

    def load(self) -> Any:
        return self._make()


def serve(make: Callable[[], Any], settings: Settings) -> None:
    """Until SIGTERM."""
    logging.getLogger("psycopg.pool").setLevel(logging.WARNING)
    Server(make, settings).run()
