"""How a service starts, stops and dies, as a process."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from urllib.request import urlopen

import pytest

from bench.postgres.database import Database, backends, connect
from bench.targets.http import Client
from bench.targets.process import ROOT, LocalService, ServiceDied, free_port
from services.common import contract
from tests.conftest import StartService
from tests.contract.door import Door
from tests.waiting import until


def ask(url: str) -> int:
    try:
        with urlopen(url, timeout=30) as answer:
            return int(answer.status)
    except (OSError, HTTPException):
        return 0


@pytest.mark.parametrize("kind", ["sleep", "query"])
def test_sigterm_ends_it_with_holders_waiters_and_leaks(
    start: StartService, name: str, database: Database, kind: str
) -> None:
    service = start(work_time_ms=20_000, work_kind=kind, pool_acquire_timeout=30, pool_min_size=3, pool_max_size=3)
    with Client(service.base_url) as client:
        client.get(f"{contract.QUERY_LEAK}?how=kept")
    with ThreadPoolExecutor(8) as clients:
        pending = [clients.submit(ask, f"{service.base_url}{contract.QUERY}") for _ in range(6)]
        with Client(service.base_url) as client:
            until(lambda: client.get(contract.STATS)["waiting_requests"] == 4, "four waiters")

        status = service.stop()

        assert status in (0, -15)
        assert [future.result() for future in pending].count(200) == 0
    with connect(database) as connection:
        until(lambda: backends(connection, name).total == 0, "no backend left")


def test_without_a_database_it_says_so_and_gives_up(name: str) -> None:
    nowhere = Database("127.0.0.1", free_port(), "labdb", "labuser", "secret-password")

    with pytest.raises(ServiceDied) as died, LocalService(name, nowhere, {"db_wait_seconds": 0.2}):
        pass

    waiting, *_, gave_up = died.value.log_tail.splitlines()
    assert f"waiting for PostgreSQL at 127.0.0.1:{nowhere.port}/labdb" in waiting
    assert gave_up.startswith(f"giving up: no answer from PostgreSQL at 127.0.0.1:{nowhere.port}/labdb in 0.2 s: ")
    assert "secret-password" not in died.value.log_tail


def test_it_waits_for_a_database_that_comes_later(name: str, database: Database) -> None:
    port = free_port()
    service = LocalService(name, Database("127.0.0.1", port, database.name, database.user, database.password))
    try:
        service.start()
        until(lambda: "waiting for PostgreSQL" in service.log_tail(), "the first attempt")
        with Door(port, database.port):
            service.wait_ready()
            with Client(service.base_url) as client:
                assert client.get(f"{contract.QUERY}?hold_ms=0")["rows_returned"] == contract.ROWS
    finally:
        service.stop()


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("POOL_MAX_SIZE", "many", "POOL_MAX_SIZE: input should be a valid integer"),
        ("POOL_MAX_SIZE", "0", "POOL_MAX_SIZE: input should be greater than or equal to 1"),
        ("POOL_MIN_SIZE", "9", "pool_min_size (9) is above pool_max_size (5)"),
        ("WORK_KIND", "nap", "WORK_KIND: input should be 'sleep', 'query', 'cpu' or 'lock'"),
    ],
)
def test_a_bad_setting_is_one_line_and_status_2(name: str, setting: str, value: str, expected: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"services.{name}"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", setting: value},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.startswith(f"cannot start: {expected}")
    assert len(done.stderr.splitlines()) == 1
