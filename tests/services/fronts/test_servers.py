"""Every stack's `app.py` under its server as anybody would start it, without this project's `__main__`."""

import socket

import pytest

from bench.postgres.database import Database, backends, connect
from bench.targets.http import Client
from bench.targets.process import HOST, LocalService, free_port
from services.common import contract
from services.stacks import STACKS
from tests.waiting import until

SIZE = 3
SETTINGS = {"pool_min_size": SIZE, "pool_max_size": SIZE, "work_time_ms": 0}


class UnderItsServer(LocalService):
    """A stack's `app.py` under its server alone; `more` are further options of the server."""

    more: tuple[str, ...] = ()

    def module(self) -> tuple[str, ...]:
        app = f"{self.stack.package}.app:app"
        if self.stack.server == "uvicorn":
            return ("uvicorn", "--host", HOST, "--port", str(self.port), "--log-level", "warning", *self.more, app)
        return ("gunicorn", "--bind", f"{HOST}:{self.port}", "--threads", "4", *self.more, app)


def half_closed(service: LocalService, rest: bytes) -> bytes:
    """What is answered to a change of the configuration after which no more is sent."""
    with socket.create_connection((HOST, service.port), timeout=60) as connection:
        connection.sendall(f"POST {contract.CONFIG} HTTP/1.1\r\nHost: localhost\r\n".encode() + rest)
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(1000)


class Preloaded(UnderItsServer):
    more = ("--preload", "--workers", "2")


def test_its_server_alone_serves_it(name: str, database: Database) -> None:
    with (
        UnderItsServer(name, database, SETTINGS) as service,
        Client(service.base_url) as client,
        connect(database) as connection,
    ):
        answer = client.get(contract.QUERY)

        assert (answer["service"], answer["rows_returned"]) == (name, contract.ROWS)
        assert client.get(contract.STATS)["pool_size"] == SIZE
        assert backends(connection, name).total == SIZE
        for body in (
            b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
            b'Content-Length: 20\r\n\r\n{"work_time_ms": 7}',
        ):
            told = half_closed(service, body)
            assert not told or told.startswith(b"HTTP/1.1 400 ")
        assert client.get(contract.CONFIG)["work_time_ms"] == 0
    with connect(database) as connection:
        until(lambda: backends(connection, name).total == 0, "no backend is left")


@pytest.mark.parametrize("name", [name for name, stack in STACKS.items() if stack.traits.several_workers])
def test_an_app_that_is_loaded_before_the_fork_opens_a_pool_in_each_worker(name: str, database: Database) -> None:
    with Preloaded(name, database, SETTINGS) as service, connect(database) as connection:
        pids = set[int]()

        def both() -> bool:
            with Client(service.base_url) as fresh:
                pids.add(fresh.get(contract.STATS)["worker_pid"])
            return len(pids) == 2

        until(both, "an answer of both workers")
        assert backends(connection, name).total == 2 * SIZE
        with Client(service.base_url) as client:
            assert client.get(contract.QUERY)["rows_returned"] == contract.ROWS


@pytest.mark.parametrize("name", [name for name, stack in STACKS.items() if stack.server == "gunicorn"])
def test_what_needs_no_pool_answers_without_a_database(name: str) -> None:
    service = UnderItsServer(name, Database(HOST, free_port(), "labdb", "labuser", "labpassword"), SETTINGS)

    def health() -> object:
        assert service.alive, service.log_tail()
        try:
            with Client(service.base_url) as client:
                return client.get(contract.HEALTH)
        except OSError:
            return None

    try:
        service.start()

        assert until(health, "the server answers") == contract.health_body(name)
        with Client(service.base_url) as client:
            assert client.get(contract.OPENAPI)["openapi"]
    finally:
        service.stop()
