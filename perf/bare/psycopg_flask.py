"""`python -m perf.bare.psycopg_flask`: the floor of psycopg_pool + Flask on gunicorn's threads."""

import logging

import psycopg
from flask import Flask, Response
from gunicorn.app.base import BaseApplication
from psycopg.conninfo import make_conninfo
from psycopg_pool import ConnectionPool

from perf.bare import body
from services.common import contract, settings
from services.psycopg_flask.pool import SQL

environment = settings.from_environment()
app = Flask(__name__, static_folder=None)


class Server(BaseApplication):
    def load_config(self) -> None:
        for name, value in {
            "bind": f"{environment.host}:{environment.port}",
            "worker_class": "gthread",
            "threads": environment.threads,
            "keepalive": contract.KEEP_ALIVE_S,
            "graceful_timeout": contract.GRACE_S,
            "control_socket_disable": True,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        app.extensions["pool"] = ConnectionPool[psycopg.Connection](
            make_conninfo(
                host=environment.db_host,
                port=environment.db_port,
                dbname=environment.db_name,
                user=environment.db_user,
                password=environment.db_password,
            ),
            kwargs={"autocommit": True, "prepare_threshold": 0},
            min_size=environment.pool_max_size,
            max_size=environment.pool_max_size,
            open=True,
        )
        return app


@app.get(contract.STATS)
@app.get(contract.HEALTH)
def health() -> Response:
    return Response(b"{}", content_type=contract.JSON)


@app.get(contract.QUERY)
def query() -> Response:
    pool = app.extensions["pool"]
    connection = pool.getconn(timeout=environment.pool_acquire_timeout)
    try:
        rows = len(connection.execute(SQL["items"], (contract.ROWS,)).fetchall())
    finally:
        pool.putconn(connection)
    return Response(body("psycopg_flask", environment.pool_max_size, rows), content_type=contract.JSON)


if __name__ == "__main__":
    logging.getLogger("psycopg.pool").setLevel(logging.WARNING)
    Server().run()
