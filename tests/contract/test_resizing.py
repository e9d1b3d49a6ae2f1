"""A new size while requests hold and wait: none fails, and the old connections go."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import pairwise

import pytest

from bench.postgres.database import Connection, Database, backends, connect
from bench.targets.http import Client
from services.common import contract
from services.stacks import STACKS
from tests.conftest import StartService
from tests.contract.asking import Answer, ask, at_rest, clients, configure, held_at_once, stats
from tests.waiting import until

CLIENTS = 20
SIZES = (5, 20, 5, 2, 10)


def no_more_than(connection: Connection, name: str, most: int) -> bool:
    return backends(connection, name).total <= most


def test_no_request_fails_through_five_sizes(start: StartService, name: str, database: Database) -> None:
    service = start(pool_min_size=SIZES[0], pool_max_size=SIZES[0], pool_acquire_timeout=10, work_time_ms=50)
    enough = threading.Event()
    answers: list[tuple[int, bytes]] = []

    def loop(index: int) -> None:
        with Client(service.base_url) as client:
            turn = index
            while not enough.is_set():
                path = (contract.QUERY, contract.QUERY_PROPER)[(turn := turn + 1) % 2]
                answers.append(client.exchange("GET", path))

    def served_more() -> None:
        aim = len(answers) + CLIENTS
        until(lambda: len(answers) >= aim, "another round of requests")

    with connect(database) as connection, ThreadPoolExecutor(CLIENTS + 1) as pool:
        try:
            loops = [pool.submit(loop, index) for index in range(CLIENTS)]
            served_more()
            for old, new in pairwise(SIZES):
                # PostgreSQL, and a library that left closing to the garbage collector, take their time.
                until(partial(no_more_than, connection, name, old), "the pool before this one is gone")
                seen: list[int] = []
                changed: Future[Answer] = pool.submit(configure, service, pool_max_size=new)

                def drained(seen: list[int] = seen, changed: Future[Answer] = changed) -> bool:
                    seen.append(backends(connection, name).total)
                    return changed.done() and "draining" not in stats(service)

                until(drained, f"the pool of {old} has drained")
                assert changed.result().body["pool_max_size"] == new
                assert max(seen) <= old + new
                served_more()
        finally:
            enough.set()
        for future in loops:
            future.result()
        counted = at_rest(service)
        until(lambda: backends(connection, name).total == SIZES[-1], "no backend but those of the last pool")

    assert [(status, body) for status, body in answers if status != 200] == []
    assert counted["acquired_total"] == counted["released_total"] == len(answers)
    assert (counted["failed_total"], counted["timed_out_total"], counted["abandoned_total"]) == (0, 0, 0)


def test_who_waits_for_the_old_pool_is_served_by_it(start: StartService) -> None:
    """Its only connection is leaked until the new pool has shown all of its own."""
    service = start(pool_min_size=1, pool_max_size=1, pool_acquire_timeout=60, work_time_ms=0)
    ask(service, f"{contract.QUERY_LEAK}?how=kept")
    with clients(service, 4) as call:
        pending = [call(path) for path in (contract.QUERY, contract.QUERY_PROPER) * 2]
        until(lambda: stats(service)["waiting_requests"] == 4, "four waiters")

        assert configure(service, pool_max_size=3).status == 200
        held = held_at_once(service, 3, used=1)
        draining = stats(service)["draining"]
        assert not any(future.done() for future in pending)
        assert ask(service, contract.RELEASE_LEAKS, "POST").body["released"] == 1
        answers = [future.result() for future in pending]

    assert held
    assert draining == [{"pool_max_size": 1, "used": 1, "waiting": 4}]
    assert [answer.status for answer in answers] == [200] * 4
    counted = at_rest(service)
    assert counted["acquired_total"] == counted["released_total"]
    assert counted["abandoned_total"] == counted["failed_total"] == 0


@pytest.mark.parametrize("name", [name for name, stack in STACKS.items() if not stack.traits.connects_in_background])
def test_a_size_that_the_database_has_no_room_for_changes_nothing(
    start: StartService, name: str, database: Database
) -> None:
    service = start(pool_min_size=3, pool_max_size=3, pool_acquire_timeout=5, work_time_ms=0)
    before = ask(service, contract.CONFIG).body, stats(service)
    with connect(database) as connection:
        try:
            connection.execute(f"ALTER DATABASE {database.name} CONNECTION LIMIT 10")
            refused = configure(service, pool_max_size=20, work_time_ms=70)
        finally:
            connection.execute(f"ALTER DATABASE {database.name} CONNECTION LIMIT -1")

        assert (refused.status, refused.error) == (503, "database_unavailable")
        assert ask(service, contract.CONFIG).body == before[0]
        # The connects that were under way beside the refused one are cancelled, which takes a moment.
        until(lambda: stats(service) == before[1], "a service as it was")
        assert held_at_once(service, 3)
        assert configure(service, pool_max_size=4).status == 200
        assert held_at_once(service, 4)
        at_rest(service)
        until(lambda: backends(connection, name).total == 4, "no backend of the pool that was not made")
