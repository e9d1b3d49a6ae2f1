"""Every stack's `app.py` under its server as anybody would start it, without this project's `__main__`."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.postgres.database import Database, backends, connect
from bench.targets.http import Client
from bench.targets.process import HOST, ROOT, free_port
from services.common import contract
from services.stacks import STACKS, Stack
from tests.waiting import until

SIZE = 3


@pytest.fixture(params=STACKS.values(), ids=lambda stack: stack.name)
def stack(request: pytest.FixtureRequest) -> Stack:
    found: Stack = request.param
    return found


@contextmanager
def served(command: list[str], port: int, database: Database) -> Iterator[Client]:
    environment = (
        os.environ | database.env() | {"POOL_MIN_SIZE": str(SIZE), "POOL_MAX_SIZE": str(SIZE), "WORK_TIME_MS": "0"}
    )
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL, start_new_session=True
    )
    client = Client(f"http://{HOST}:{port}")

    def answers() -> bool:
        assert process.poll() is None, "the server has ended"
        try:
            client.get(contract.HEALTH)
        except OSError:
            return False
        return True

    try:
        with client:
            until(answers, "the server answers")
            yield client
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def command_for(stack: Stack, port: int, *more: str) -> list[str]:
    app = f"{stack.package}.app:app"
    if stack.server == "uvicorn":
        return ["uvicorn", "--host", HOST, "--port", str(port), "--log-level", "warning", *more, app]
    return ["gunicorn", "--bind", f"{HOST}:{port}", "--threads", "4", *more, app]


def test_its_server_alone_serves_it(stack: Stack, database: Database) -> None:
    port = free_port()
    with served(command_for(stack, port), port, database) as client, connect(database) as connection:
        answer = client.get(contract.QUERY)

        assert (answer["service"], answer["rows_returned"]) == (stack.name, contract.ROWS)
        assert client.get(contract.STATS)["pool_size"] == SIZE
        assert backends(connection, stack.name).total == SIZE
    with connect(database) as connection:
        until(lambda: backends(connection, stack.name).total == 0, "no backend is left")


def test_an_app_that_is_loaded_before_the_fork_opens_a_pool_in_each_worker(database: Database) -> None:
    stack, port = STACKS["psycopg_flask"], free_port()
    with (
        served(command_for(stack, port, "--preload", "--workers", "2"), port, database) as client,
        connect(database) as connection,
    ):
        pids = set[int]()

        def both() -> bool:
            with Client(f"http://{HOST}:{port}") as fresh:
                pids.add(fresh.get(contract.STATS)["worker_pid"])
            return len(pids) == 2

        until(both, "an answer of both workers")
        assert backends(connection, stack.name).total == 2 * SIZE
        assert client.get(contract.QUERY)["rows_returned"] == contract.ROWS
