"""Waits that end badly, by timeout or with clients that leave: nothing of them remains, and nothing is lost."""

from collections import Counter

import pytest

from bench.postgres.database import Database, backends, connect
from bench.targets.http import Client
from bench.targets.process import LocalService
from services.common import contract
from services.stacks import STACKS
from tests.conftest import StartService
from tests.contract.asking import Answer, ask, at_once, at_rest, clients, configure, held_at_once, leave, stats
from tests.waiting import until

SIZE = 5
ACQUIRE_TIMEOUT_S = 0.05
PATHS = (contract.QUERY, contract.QUERY_PROPER, contract.QUERY_LEAK, contract.NESTED, contract.SEVERAL)


def storm(service: LocalService, rounds: int) -> list[Answer]:
    """Each round: 20 requests that time out, and 10 whose clients leave while they wait."""
    answers = []
    for _ in range(rounds):
        with clients(service, 20) as call:
            left = [leave(service, contract.QUERY) for _ in range(10)]
            pending = [call(path) for path in PATHS * 4]
            for gone in left:
                gone()
        answers += [future.result() for future in pending]
    return answers


def test_300_waits_in_vain_lose_no_connection_and_none_is_early(
    start: StartService, name: str, database: Database
) -> None:
    service = start(pool_min_size=SIZE, pool_max_size=SIZE, pool_acquire_timeout=10, work_time_ms=0)
    for _ in range(SIZE):
        ask(service, f"{contract.QUERY_LEAK}?how=kept")
    configure(service, pool_acquire_timeout=ACQUIRE_TIMEOUT_S)

    answers = storm(service, rounds=10)

    assert Counter((answer.status, answer.error) for answer in answers) == {(503, "pool_exhausted"): 200}
    assert min(answer.body["detail"]["waited_seconds"] for answer in answers) >= ACQUIRE_TIMEOUT_S
    assert {answer.body["detail"].get("stage") for answer in answers} == {None, "acquire", "checkout 1"}
    counted = at_rest(service, used=SIZE)
    assert 200 <= counted["timed_out_total"] <= 300  # those who left wait to the end, or end with their client
    assert counted["failed_total"] == 0
    assert ask(service, contract.RELEASE_LEAKS, "POST").body["released"] == SIZE
    configure(service, pool_acquire_timeout=10)
    assert held_at_once(service, SIZE)
    who_leaves_is_counted_until_its_handler_ends(service)
    counted = at_rest(service)
    assert counted["acquired_total"] == counted["released_total"]
    with connect(database) as connection:
        assert backends(connection, name).total == SIZE


def who_leaves_is_counted_until_its_handler_ends(service: LocalService) -> None:
    for _ in range(SIZE):
        ask(service, f"{contract.QUERY_LEAK}?how=kept")
    before = stats(service)
    gone = leave(service, f"{contract.QUERY}?hold_ms=50")
    until(lambda: stats(service)["waiting_requests"] == 1, "a waiter")
    gone()
    for _ in range(20):
        assert stats(service)["waiting_requests"] == 1
    ask(service, contract.RELEASE_LEAKS, "POST")
    after = at_rest(service)

    grew = {key: after[key] - before[key] for key in ("acquired_total", "timed_out_total", "failed_total")}
    assert grew == {"acquired_total": 1, "timed_out_total": 0, "failed_total": 0}


def test_a_pool_that_is_complete_is_never_growing(start: StartService) -> None:
    service = start(
        pool_min_size=3, pool_max_size=3, pool_acquire_timeout=ACQUIRE_TIMEOUT_S, work_time_ms=10, threads=64
    )
    seen: Counter[str | None] = Counter()

    def refused() -> bool:
        seen.update(answer.error for answer in at_once(service, [contract.QUERY] * 40))
        return seen.total() - seen[None] >= 100

    until(refused, "a hundred refusals")
    assert set(seen) == {None, "pool_exhausted"}


@pytest.mark.parametrize("name", [name for name, stack in STACKS.items() if stack.traits.opens_transaction])
def test_as_shipped_a_transaction_ends_by_commit_within_the_hold(
    start: StartService, name: str, database: Database
) -> None:
    service = start(tuning="as_shipped", pool_min_size=1, pool_max_size=1, work_time_ms=0)
    with connect(database) as connection, clients(service, 1) as call, Client(service.base_url) as client:
        for path in (contract.QUERY, contract.QUERY_PROPER):
            held = call(f"{path}?hold_ms=300")
            until(lambda: backends(connection, name).idle_in_transaction == 1, "a transaction while it is held")
            assert held.result().status == 200
            for _ in range(5):
                client.get(f"{path}?hold_ms=0")
            assert backends(connection, name).idle_in_transaction == 0
            last = connection.execute(
                "SELECT query FROM pg_stat_activity WHERE application_name = %s", (name,)
            ).fetchall()
            assert [query.strip("; ") for (query,) in last] == ["COMMIT"]
    assert "rolling back" not in service.log_tail()
