"""A scenario that cannot show what it is named for is refused where it is defined, with the arithmetic."""

from typing import Any

import pytest

from bench.analysis.forecast import forecast
from bench.scenarios.model import Freeze, KillBackends, Leak, ReleaseLeaks, Scenario
from services.workload.loads import Burst, Closed, Load, Open, Sequential, Stage


def scenario(load: Load, **changed: Any) -> Scenario:
    return Scenario(**{"name": "x", "family": "exhaustion", "question": "?", "load": load, "primary": "ok"} | changed)


def ramp(users: int, seconds: float = 20) -> Closed:
    return Closed(stages=(Stage(users=users, seconds=seconds), Stage(users=users, seconds=60)), think_s=0.5)


EVEN = Open(rate_per_s=6, seconds=40, arrivals="uniform")
LEAKS = (Leak(at=5, count=2, how="kept"), Leak(at=8, count=1, how="kept"))


@pytest.mark.parametrize(
    ("load", "changed", "why"),
    [
        (
            Burst(requests=55),
            {},
            "5 connections serve 55 requests in ⌈10.5⌉ batches, so that a burst of 55 cannot time out: make it larger",
        ),
        (
            Burst(requests=100),
            {"acquire_timeout": 10.0},
            "an acquire timeout of 10 holds lies on the boundary of a batch: make it k + ½",
        ),
        (Sequential(requests=9), {}, "requests in sequence never wait, so that none can time out: take another load"),
        (
            Open(rate_per_s=4.5, seconds=900),
            {},
            "4.5 × 1 ÷ 5 is ρ = 0.9, so that no queue grows until it times out: raise the rate above 5",
        ),
        (
            EVEN,
            {},
            (
                "6 × 1 ÷ 5 is ρ = 1.2, so that the wait grows by 0.2 a hold and is 8 after 40, within an "
                "acquire timeout of 10.5: make it longer than 52.5 holds"
            ),
        ),
        (
            ramp(50),
            {},
            (
                "50 users on 5 connections wait for 50 × 1 ÷ 5 − 1 − 0.5 = 8.5 holds at the most, within an "
                "acquire timeout of 10.5: have more of them"
            ),
        ),
        (
            ramp(55, seconds=0),
            {},
            (
                "55 users on 5 connections wait for (⌈55 ÷ 5⌉ − 1) × 1 = 10 holds at the most, within an "
                "acquire timeout of 10.5: have more of them"
            ),
        ),
    ],
)
def test_who_must_time_out_and_cannot(load: Load, changed: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=r"^x: ") as refused:
        scenario(load, must_time_out=True, **changed)
    assert str(refused.value) == f"x: {why}"
    assert scenario(load, **changed).load == load
    assert scenario(load, must_time_out=True, work_kind="cpu", **changed).load == load


@pytest.mark.parametrize(
    "load", [Burst(requests=56), Open(rate_per_s=6, seconds=60, arrivals="uniform"), ramp(61), ramp(60, seconds=0)]
)
def test_what_is_let_through_does_time_out(load: Load) -> None:
    """By simulation too, just above the limit."""
    let = scenario(load, must_time_out=True).at(1000)
    assert (forecast(let, seed=1).timed_out or 0) > 0


@pytest.mark.parametrize("load", [EVEN, ramp(50), ramp(55, seconds=0)])
def test_what_is_refused_would_not_have_timed_out(load: Load) -> None:
    assert forecast(scenario(load).at(1000), seed=1).timed_out == 0


@pytest.mark.parametrize(
    ("load", "why"),
    [
        (Burst(requests=6), "a burst of 6 on 5 connections has 1 waiting, which is no baseline: make it 5 or less"),
        (ramp(6), "6 users on 5 connections may wait, which is no baseline: make them 5 or less"),
        (
            Open(rate_per_s=5, seconds=9),
            "5 × 1 ÷ 5 is ρ = 1, a queue that grows, and no baseline: lower the rate",
        ),
    ],
)
def test_a_baseline_in_which_somebody_waits(load: Load, why: str) -> None:
    with pytest.raises(ValueError, match=r"^x: ") as refused:
        scenario(load, family="baseline")
    assert str(refused.value) == f"x: {why}"


@pytest.mark.parametrize("load", [Burst(requests=5), ramp(5), Open(rate_per_s=4.9, seconds=9), Sequential(requests=9)])
def test_a_baseline_in_which_nobody_does(load: Load) -> None:
    assert scenario(load, family="baseline").load == load


@pytest.mark.parametrize(
    ("rate", "faults", "why"),
    [
        (2.5, (ReleaseLeaks(at=5),), "nothing leaks: add a Leak to its faults"),
        (2.5, (*LEAKS, ReleaseLeaks(at=60)), "the load ends after 60 holds, and a fault is at 60: have it earlier"),
        (
            1.5,
            LEAKS,
            (
                "3 of 5 connections leak, and the 2 that are left serve 2 a hold where 1.5 are asked for: leak more, "
                "or raise the rate"
            ),
        ),
    ],
)
def test_leaks_that_cannot_be_noticed(rate: float, faults: tuple[Any, ...], why: str) -> None:
    with pytest.raises(ValueError, match=r"^x: ") as refused:
        scenario(Open(rate_per_s=rate, seconds=60), family="leaks", faults=faults)
    assert str(refused.value) == f"x: {why}"


def test_leaks_that_can() -> None:
    assert scenario(Open(rate_per_s=2.5, seconds=60), family="leaks", faults=LEAKS).faults == LEAKS
    assert scenario(Burst(requests=9), family="leaks", faults=LEAKS).faults == LEAKS


@pytest.mark.parametrize(
    ("load", "faults", "why"),
    [
        (
            Open(rate_per_s=2.5, seconds=40),
            LEAKS,
            "nothing strikes the database: add KillBackends or a Freeze to its faults",
        ),
        (
            Burst(requests=9),
            (KillBackends(at=1),),
            "the load is over with its answers, and an outage needs one that lasts: make it open or closed",
        ),
        (
            Open(rate_per_s=2.5, seconds=40),
            (KillBackends(at=40),),
            "the load ends after 40 holds, and a fault is at 40: have it earlier",
        ),
        (
            Open(rate_per_s=2.5, seconds=40),
            (Freeze(at=10, holds=30),),
            "the load ends after 40 holds, and a fault is at 40: have it earlier",
        ),
        (
            Open(rate_per_s=2.5, seconds=40),
            (Freeze(at=10, holds=12),),
            (
                "frozen for 12 holds, of which 5 connections last 2 at 2.5 a hold; a request that waits "
                "then has an acquire timeout of 10.5: freeze for more than 12.5"
            ),
        ),
    ],
)
def test_outages_that_show_nothing(load: Load, faults: tuple[Any, ...], why: str) -> None:
    with pytest.raises(ValueError, match=r"^x: ") as refused:
        scenario(load, family="outage", faults=faults)
    assert str(refused.value) == f"x: {why}"


@pytest.mark.parametrize("fault", [KillBackends(at=39), Freeze(at=10, holds=13)])
def test_outages_that_do(fault: KillBackends | Freeze) -> None:
    assert scenario(Open(rate_per_s=2.5, seconds=40), family="outage", faults=(fault,)).faults == (fault,)
    assert scenario(ramp(9), family="outage", faults=(fault,)).faults == (fault,)


def test_only_a_burst_can_end_too_near_to_a_batch() -> None:
    open_load = scenario(Open(rate_per_s=6, seconds=90), must_time_out=True, acquire_timeout=10.0)
    assert open_load.refusal(100) is None
    burst = scenario(Burst(requests=100), must_time_out=True)
    assert burst.refusal(100) is None
    assert "has its acquire timeout end 5 ms from a batch" in str(burst.refusal(10))
