"""Backends that are killed, and a database that is away for a while: refusals, and then all is as before."""

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPException

import pytest

from bench.postgres.database import Database, backends, connect
from bench.targets.http import Client
from bench.targets.process import LocalService, free_port
from services.common import contract
from services.common.contract import Tuning
from tests.conftest import StartService
from tests.contract.asking import ask, at_once, at_rest, held_at_once, stats
from tests.contract.door import Door
from tests.waiting import until

SIZE = 4
CLIENTS = 10
PATHS = (contract.QUERY, contract.QUERY_PROPER, contract.NESTED, contract.SEVERAL)

Outcome = tuple[int, str | None]


def kill_backends(database: Database, name: str) -> None:
    with connect(database) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", (name,)
        )


@pytest.mark.parametrize(("tuning", "kind"), [("equalised", "sleep"), ("as_shipped", "query")])
def test_killed_backends_are_503_and_made_again(
    start: StartService, name: str, database: Database, tuning: Tuning, kind: str
) -> None:
    service = start(
        tuning=tuning, pool_min_size=SIZE, pool_max_size=SIZE, pool_acquire_timeout=10, work_time_ms=10, work_kind=kind
    )
    enough = threading.Event()
    seen: Counter[Outcome] = Counter()

    def loop(index: int) -> None:
        with Client(service.base_url) as client:
            while not enough.is_set():
                path = PATHS[index] if index < len(PATHS) else contract.QUERY
                try:
                    status, text = client.exchange("GET", path)
                except (OSError, HTTPException):
                    seen[0, "connection closed"] += 1
                    continue
                seen[status, json.loads(text).get("detail", {}).get("error")] += 1

    def served(aim: int) -> bool:
        return seen[200, None] >= aim

    with ThreadPoolExecutor(CLIENTS) as pool:
        try:
            loops = [pool.submit(loop, index) for index in range(CLIENTS)]
            for _ in range(5):
                aim = seen[200, None] + CLIENTS
                until(partial(served, aim), "requests served again")
                kill_backends(database, name)
        finally:
            enough.set()
        for future in loops:
            future.result()

    assert set(seen) == {(200, None), (503, "database_unavailable")}
    recovers(service)
    counted = at_rest(service)
    assert counted["acquired_total"] == counted["released_total"]
    with connect(database) as connection:
        until(lambda: backends(connection, name).total == SIZE, "a backend for each connection")


def test_a_database_that_was_away_is_found_again(name: str, database: Database) -> None:
    port = free_port()
    behind = Database("127.0.0.1", port, database.name, database.user, database.password)
    settings = {"pool_min_size": SIZE, "pool_max_size": SIZE, "pool_acquire_timeout": 0.3, "work_time_ms": 0}
    service = LocalService(name, behind, settings)
    try:
        with Door(port, database.port):
            service.start()
            service.wait_ready()
            assert held_at_once(service, SIZE)
        away = [answer for _ in range(3) for answer in at_once(service, [*PATHS, contract.QUERY_LEAK])]

        assert {answer.status for answer in away} == {503}
        assert {answer.error for answer in away} <= {"database_unavailable", "pool_growing"}
        assert "database_unavailable" in {answer.error for answer in away}
        assert ask(service, contract.HEALTH).status == 200
        counted = stats(service)
        assert (counted["waiting_requests"], counted["pool_used_size"], counted["leaked_total"]) == (0, 0, 0)

        with Door(port, database.port):
            recovers(service)
            counted = at_rest(service)
            assert counted["acquired_total"] == counted["released_total"]
    finally:
        service.stop()


def recovers(service: LocalService) -> None:
    """Requests are served again, and every connection of the pool can be held."""
    until(lambda: ask(service, f"{contract.QUERY}?hold_ms=0").status == 200, "a request that is served")
    until(lambda: held_at_once(service, SIZE), "all connections")
