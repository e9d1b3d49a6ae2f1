"""Services with several worker processes: a pool each, metrics together."""

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.request import urlopen

import pytest

from bench.postgres.database import Database, backends, connect
from bench.targets.http import Client
from bench.targets.process import LocalService
from services.common import contract
from services.stacks import STACKS
from tests.waiting import until

WORKERS = 3
SIZE = 2
SEVERAL, ONE = (
    [name for name, stack in STACKS.items() if stack.traits.several_workers is several] for several in (True, False)
)


def metric(text: str, service: str, name: str) -> float:
    found = re.search(rf'^{name}{{service="{service}"}} (\S+)$', text, re.MULTILINE)
    assert found, f"{name} of {service} is not in the metrics"
    return float(found[1])


@pytest.mark.parametrize("name", SEVERAL)
def test_workers_have_pools_of_their_own_and_metrics_together(name: str, database: Database) -> None:
    settings = {"workers": WORKERS, "threads": 16, "pool_min_size": SIZE, "pool_max_size": SIZE, "work_time_ms": 50}
    with LocalService(name, database, settings) as service:
        with connect(database) as connection:
            until(lambda: backends(connection, name).total == WORKERS * SIZE, "a pool for each worker")

        def query(_: int) -> int:
            with Client(service.base_url) as client:
                return int(client.get(contract.QUERY)["rows_returned"])

        def stats(_: int) -> int:
            with Client(service.base_url) as client:
                body = client.get(contract.STATS)
            assert body["workers"] == WORKERS
            return int(body["worker_pid"])

        with ThreadPoolExecutor(12) as clients:
            assert set(clients.map(query, range(36))) == {contract.ROWS}
            answered = set(clients.map(stats, range(24)))
        before = {process.pid for process in service.processes()}
        assert answered <= before

        def text() -> str:
            with urlopen(f"{service.base_url}{contract.METRICS}", timeout=30) as answer:
                return str(answer.read().decode())

        until(lambda: metric(text(), name, "db_pool_max_size") == WORKERS * SIZE, "the gauges of all workers")
        assert metric(text(), name, "db_pool_acquired_total") == 36
        assert metric(text(), name, "db_pool_used_size") == 0
        assert metric(text(), name, "db_pool_acquire_seconds_count") == 36

        worker = next(process for process in service.processes() if process.pid in answered)
        worker.kill()

        def told_by_another() -> str | None:
            """The metrics by way of a worker that was not there before, which shows its own gauges, too."""
            with Client(service.base_url) as client:
                if client.get(contract.STATS)["worker_pid"] in before:
                    return None
                return client.exchange("GET", contract.METRICS)[1].decode()

        told = until(told_by_another, "another worker in its place")
        assert metric(told, name, "db_pool_max_size") == WORKERS * SIZE, "the dead worker's gauges are there"
        assert len(service.processes()) == WORKERS + 1


@pytest.mark.parametrize("name", SEVERAL)
def test_several_workers_refuse_to_change_one(name: str, database: Database) -> None:
    settings = {"workers": 2, "threads": 4}
    with LocalService(name, database, settings) as service, Client(service.base_url) as client:
        status, body = client.exchange("POST", contract.CONFIG, '{"work_time_ms": 5}')

        assert (status, b"set it by environment" in body) == (409, True)
        assert client.get(contract.CONFIG)["work_time_ms"] == 1000


@pytest.mark.parametrize("name", ONE)
def test_the_others_refuse_several_workers(name: str, database: Database) -> None:
    service = LocalService(name, database, {"workers": 2})
    try:
        service.start()
        until(lambda: not service.alive, "its end")
        assert "this service runs one worker process" in service.log_tail()
    finally:
        service.stop()
