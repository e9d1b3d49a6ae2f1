"""FastAPI's `def` handlers: how many threads they have, and what answers while all of these wait."""

import pytest

from bench.postgres.database import Database
from bench.targets.process import LocalService
from services.common import contract
from services.stacks import STACKS
from tests.contract.asking import ask, clients, stats
from tests.waiting import until

THREADS = 3
SHIPPED = 40
"""What AnyIO has unless it is told."""

pytestmark = pytest.mark.parametrize(
    "name", [name for name, stack in STACKS.items() if stack.front == "FastAPI threads"]
)


def test_leaks_are_given_back_while_every_thread_waits_for_one(name: str, database: Database) -> None:
    settings = {"threads": THREADS, "pool_min_size": 1, "pool_max_size": 1, "pool_acquire_timeout": 60}
    with LocalService(name, database, settings) as service, clients(service, THREADS + 2) as call:
        assert ask(service, contract.CONFIG).body["threads"] == THREADS
        ask(service, f"{contract.QUERY_LEAK}?how=kept")
        pending = [call(f"{contract.QUERY}?hold_ms=0") for _ in range(THREADS + 2)]
        until(lambda: stats(service)["waiting_requests"] == THREADS, "a waiter in each thread")

        assert [ask(service, path).status for path in (contract.HEALTH, contract.NOOP)] == [200, 200]
        assert ask(service, contract.RELEASE_LEAKS, "POST").body["released"] == 1
        assert [future.result().status for future in pending] == [200] * (THREADS + 2)


def test_as_shipped_it_has_as_many_as_the_library_gives(name: str, database: Database) -> None:
    with LocalService(name, database, {"threads": THREADS, "tuning": "as_shipped"}) as service:
        assert ask(service, contract.CONFIG).body["threads"] == SHIPPED
