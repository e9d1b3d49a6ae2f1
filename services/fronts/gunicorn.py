"""gunicorn as every stack on threads is served, configured in sight: each worker opens its own pool after the fork."""

import os
import shutil
import tempfile
from collections.abc import Callable
from importlib import import_module
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.http.message import MAX_REQUEST_LINE

from services.common import contract, settings
from services.common.settings import Settings
from services.common.start import starting
from services.fronts.gthread import Worker
from services.stacks import Stack


class Server(BaseApplication):
    """The application and pool of a stack's `app.py`."""

    def __init__(self, stack: Stack, environment: Settings) -> None:
        self._stack = stack
        self._environment = environment
        self._close: Callable[[], None] = _nothing
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": f"{self._environment.host}:{self._environment.port}",
            "workers": self._environment.workers,
            "worker_class": Worker,
            "threads": self._environment.threads,
            "worker_connections": max(1000, 2 * self._environment.threads),
            "keepalive": contract.KEEP_ALIVE_S,
            "graceful_timeout": contract.GRACE_S,
            "limit_request_line": MAX_REQUEST_LINE,
            "control_socket_disable": True,  # its path is one for all servers of a user
            "worker_exit": lambda _server, _worker: self._close(),
            "child_exit": _forget_metrics,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """In the worker: the application, with its pool open."""
        made = import_module(f"{self._stack.package}.app")
        made.pool.open()
        self._close = made.pool.close
        return made.app


def main(stack: Stack) -> None:
    """Serves until SIGTERM. Exit status 2 for a setting that cannot be used, 3 for no database."""
    with starting():
        environment = settings.from_environment(port=stack.port)
    shared = tempfile.mkdtemp(prefix="poolbench-metrics-") if environment.workers > 1 else None
    if shared:
        # prometheus_client reads it when it is imported: before the service's modules, and before the fork.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
    try:
        _serve(stack, environment)
    finally:
        if shared:
            shutil.rmtree(shared, ignore_errors=True)


def _serve(stack: Stack, environment: Settings) -> None:
    from services.pools.adapters import adapter_of
    from services.pools.synchronous import wait_for_database

    with starting():
        wait_for_database(stack.name, adapter_of(stack.package), environment)
    Server(stack, environment).run()


def _nothing() -> None:
    """The arbiter has no pool to close."""


def _forget_metrics(_: Any, worker: Any) -> None:
    """A dead worker's gauges go with it."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)
