"""One request that takes a connection several times, and gives it back each time."""

import pytest

from services.common import contract
from tests.conftest import StartService
from tests.contract.asking import ask, at_once, at_rest


def test_several_checkouts_share_one_connection_with_others(start: StartService) -> None:
    service = start(pool_min_size=1, pool_max_size=1, pool_acquire_timeout=10, work_time_ms=5)

    answers = at_once(service, [contract.SEVERAL, contract.QUERY, f"{contract.SEVERAL}?times=3&hold_ms=2"])

    assert [answer.status for answer in answers] == [200] * 3
    counted = at_rest(service)
    assert (counted["acquired_total"], counted["released_total"]) == (5 + 1 + 3, 5 + 1 + 3)
    first, _, last = (answer.body for answer in answers)
    assert (first["checkouts"], last["checkouts"]) == (5, 3)
    assert first["timing"]["work_time_ms"] >= 5 * 5
    assert last["timing"]["work_time_ms"] >= 3 * 2
    waited_ms = sum(answer.body["timing"]["acquire_time_ms"] for answer in answers)
    assert counted["waiter_seconds_total"] == pytest.approx(waited_ms / 1000, abs=1e-4)
    assert first["longest_acquire_ms"] <= first["timing"]["acquire_time_ms"] <= 5 * first["longest_acquire_ms"]


def test_a_checkout_that_is_refused_is_named_and_told_in_the_sums(start: StartService) -> None:
    service = start(pool_min_size=1, pool_max_size=1, pool_acquire_timeout=0.05, work_time_ms=0)
    ask(service, f"{contract.QUERY_LEAK}?how=kept")

    detail = ask(service, contract.SEVERAL).body["detail"]

    assert (detail["error"], detail["stage"]) == ("pool_exhausted", "checkout 1")
    assert detail["waited_seconds"] >= 0.05
