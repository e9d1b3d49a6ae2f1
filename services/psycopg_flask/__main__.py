"""`python -m services.psycopg_flask`: the service on gunicorn's threads, until SIGTERM.

In: the environment (see common/settings.py). Exit status 2 for a setting that cannot be used, 3 for no database.
"""

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication

from services.common import contract, settings
from services.common.settings import Settings, SettingsError
from services.stacks import STACKS


class Server(BaseApplication):
    """gunicorn, configured here and in sight; each worker makes its own app and pool after the fork."""

    def __init__(self, environment: Settings) -> None:
        self._environment = environment
        self._close: Callable[[], None] = _nothing
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": f"{self._environment.host}:{self._environment.port}",
            "workers": self._environment.workers,
            "worker_class": "gthread",
            "threads": self._environment.threads,
            "worker_connections": max(1000, 2 * self._environment.threads),
            "keepalive": contract.KEEP_ALIVE_S,
            "graceful_timeout": contract.GRACE_S,
            "control_socket_disable": True,  # its path is one for all servers of a user
            "worker_exit": lambda _server, _worker: self._close(),
            "child_exit": _forget_metrics,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """In the worker: the application, with its pool open."""
        from services.psycopg_flask.app import create_app

        app, pool = create_app(self._environment)
        pool.open()
        self._close = pool.close
        return app


def _nothing() -> None:
    """The arbiter has no pool to close."""


def _forget_metrics(_: Any, worker: Any) -> None:
    """A dead worker's gauges go with it."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("psycopg.pool").setLevel(logging.WARNING)  # it tells of every acquire
    try:
        environment = settings.from_environment(port=STACKS["psycopg_flask"].port)
    except SettingsError as error:
        sys.exit(settings.refuse(error))
    shared = tempfile.mkdtemp(prefix="poolbench-metrics-") if environment.workers > 1 else None
    if shared:
        # prometheus_client reads it when it is imported: before the service's modules, and before the fork.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
    try:
        _run(environment)
    finally:
        if shared:
            shutil.rmtree(shared, ignore_errors=True)


def _run(environment: Settings) -> None:
    from services.common.books import Refused
    from services.psycopg_flask.pool import require_c_build, wait_for_database

    try:
        require_c_build()
        wait_for_database(environment)
    except SettingsError as error:
        sys.exit(settings.refuse(error))
    except Refused as refused:
        sys.exit(settings.give_up(refused))
    Server(environment).run()


if __name__ == "__main__":
    main()
