"""What a scenario says of itself, and what is refused when it is defined."""

from dataclasses import replace

import pytest

from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.words import load_text
from services.common import contract
from services.workload.loads import Open

OVERLOAD = SCENARIOS["overload-12"]


def test_overload_that_ends_before_anybody_times_out_is_refused() -> None:
    """6 a hold on 5 connections: the wait grows by 0.2 holds a hold, and reaches 4.5 after 22.5."""
    with pytest.raises(ValueError, match=r"is ρ = 1\.2, .* make it longer than 22\.5 holds"):
        replace(OVERLOAD, load=Open(rate_per_s=6, seconds=22))
    assert replace(OVERLOAD, load=Open(rate_per_s=6, seconds=23)).must_time_out
    with pytest.raises(ValueError, match="no queue grows until it times out: raise the rate above 5"):
        replace(OVERLOAD, load=Open(rate_per_s=5, seconds=10_000))


@pytest.mark.parametrize(("primary", "why"), [("lateness", "is no metric"), ("sent", "is neither better nor worse")])
def test_a_metric_by_which_nothing_can_be_judged_is_refused(primary: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"overload-12: .*{primary} {why}"):
        replace(OVERLOAD, primary=primary)


@pytest.mark.parametrize(
    ("path", "count"),
    [(contract.QUERY, 1), (contract.SEVERAL, 5), (f"{contract.SEVERAL}?hold_ms=5&times=7", 7)],
)
def test_a_request_may_take_several_connections_one_after_another(path: str, count: int) -> None:
    asked = replace(OVERLOAD, path=path).at(100)
    assert asked.checkouts == count
    # Acquire timeout 0.45 s and hold 0.1 s, as often; 60 requests a second, and half as many again.
    assert asked.give_up_s == pytest.approx(20 + count * 0.85)
    assert asked.most_in_flight == pytest.approx(16 + 1.5 * 60 * count * 0.55, abs=1)


def test_loads_in_words() -> None:
    assert load_text(SCENARIOS["tight-loop"].load) == "50 users for 40 h, think 0 h"
    assert load_text(SCENARIOS["ramp"].load) == "0→10→50→50→0 users, think 0.1 h"
