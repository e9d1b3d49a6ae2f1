"""What must happen, by arithmetic."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.forecast import expected, forecast, made_by, unsaid
from bench.record.schema import Busy, Forecast
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.model import Asked, Scenario
from services.common import contract
from services.workload.loads import Burst, Closed, Load, Open, Share, Stage
from tests.bench import made


def asked(load: Load, pool_size: int = 5, acquire_timeout: float = 10.5, path: str = contract.QUERY) -> Asked:
    """At a hold of one second."""
    scenario = Scenario(
        name="x",
        family="exhaustion",
        question="?",
        load=load,
        primary="ok",
        pool_size=pool_size,
        acquire_timeout=acquire_timeout,
        path=path,
    )  # fmt: skip
    return scenario.at(1000)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("floor", Forecast(served=100, timed_out=0)),
        ("one", Forecast(served=1, timed_out=0, wall_s=0.1)),
        ("five-in-sequence", Forecast(served=5, timed_out=0, wall_s=0.5)),
        ("burst-10", Forecast(served=10, timed_out=0, wall_s=0.2)),
        ("burst-50", Forecast(served=50, timed_out=0, wall_s=1.0, busy=Busy(served=50))),
        ("burst-timeout", Forecast(served=55, timed_out=45, wall_s=1.1, busy=Busy(served=55))),
        ("burst-timeout-cpu", Forecast()),
        # 11 users keep 10 connections busy: 10 at 1 s, 1 of 40 in 1.5 s; left 0.22 s before the end. 50 users
        # who leave over 10 holds leave 25 requests behind, 5 batches.
        ("ramp", Forecast(timed_out=0, wall_s=6.5, busy=Busy(from_s=1.1375, to_s=5.78))),
        ("fix-shorter-hold", Forecast(served=100, timed_out=0, wall_s=0.4, busy=Busy(served=100))),
        ("fix-larger-pool", Forecast(served=100, timed_out=0, wall_s=0.5, busy=Busy(served=100))),
        ("leak-kept", Forecast()),
    ],
)
def test_catalogue(name: str, said: Forecast) -> None:
    found = forecast(SCENARIOS[name].at(100))
    assert (found.served, found.timed_out) == (said.served, said.timed_out)
    assert found.wall_s == pytest.approx(said.wall_s)
    if said.busy is None or found.busy is None:
        assert found.busy == said.busy
    else:
        assert found.busy.served == said.busy.served
        assert found.busy.from_s == pytest.approx(said.busy.from_s)
        assert found.busy.to_s == pytest.approx(said.busy.to_s)


@given(n=st.integers(1, 500), c=st.integers(1, 50), acquire_timeout=st.floats(0.1, 60))
def test_burst_laws(n: int, c: int, acquire_timeout: float) -> None:
    found = forecast(asked(Burst(requests=n), pool_size=c, acquire_timeout=acquire_timeout))
    assert found.served is not None
    assert found.timed_out is not None
    assert found.served + found.timed_out == n
    assert found.served <= c * math.ceil(acquire_timeout)
    assert found.wall_s == math.ceil(found.served / c)
    if found.busy is not None and found.busy.served is not None:
        assert found.busy.served % c == 0
        assert 2 * c <= found.busy.served <= found.served < found.busy.served + c


@given(n=st.integers(1, 300), c=st.integers(1, 30), acquire_timeout=st.integers(1, 40))
def test_burst_is_what_a_perfect_pool_does(n: int, c: int, acquire_timeout: int) -> None:
    rows = made.fifo_burst(n, c, hold_us=1_000_000, acquire_timeout_us=acquire_timeout * 1_000_000 + 500_000)
    found = forecast(asked(Burst(requests=n), pool_size=c, acquire_timeout=acquire_timeout + 0.5))
    assert found.served == sum("status" not in row for row in rows)
    assert found.timed_out == sum("status" in row for row in rows)


def test_an_acquire_timeout_of_whole_holds_is_not_pushed_up_by_floats() -> None:
    scenario = Scenario(
        name="x", family="fixes", question="?", load=Burst(requests=100), primary="ok", acquire_timeout=2.1, hold=0.3
    )
    assert 2.1 / 0.3 > 7
    assert forecast(scenario.at(1000)).served == 35


def test_one_batch_is_no_window() -> None:
    assert forecast(asked(Burst(requests=9))) == Forecast(
        served=9, timed_out=0, wall_s=2.0, goodput_per_s=4.5, acquire_ms_p50=0, acquire_ms_p95=1000,
        acquire_ms_p99=1000, acquire_ms_max=1000, waiting_peak=4, drain_s=2.0, hold_ms=1000,
    )  # fmt: skip


@pytest.mark.parametrize(
    "load", [Burst(requests=9), Closed(stages=(Stage(users=30, seconds=9),)), Open(rate_per_s=9, seconds=9)]
)
def test_nobody_waits_where_no_connection_is_taken(load: Load) -> None:
    found = forecast(asked(load, path=contract.NOOP))
    assert found == Forecast(served=9 if isinstance(load, Burst) else None, timed_out=0)


@pytest.mark.parametrize(
    "path",
    [
        contract.NESTED,
        contract.SEVERAL,
        f"{contract.SEVERAL}?times=5",
        contract.QUERY_LEAK,
        f"{contract.QUERY}?hold_ms=5",
    ],
)
def test_nothing_is_said_of_other_paths(path: str) -> None:
    assert forecast(asked(Burst(requests=9), path=path)) == Forecast()


def test_nothing_is_said_of_a_mix() -> None:
    whole = asked(Burst(requests=9))
    mixed = Asked(
        scenario=whole.scenario, unit_s=1, hold_ms=1000, acquire_timeout_s=9, load=whole.load,
        mix=(Share(path=contract.QUERY), Share(path=contract.NOOP)),
    )  # fmt: skip
    assert forecast(mixed) == Forecast()


def test_closed_load_that_never_fills_the_pool() -> None:
    stages = (Stage(users=4, seconds=10), Stage(users=0, seconds=10))
    assert forecast(asked(Closed(stages=stages))) == Forecast(timed_out=0, wall_s=21.0, hold_ms=1000)


def test_closed_load_whose_users_mostly_think() -> None:
    """40 users who think 9 holds for each keep 4 connections busy."""
    found = forecast(asked(Closed(stages=(Stage(users=40, seconds=0), Stage(users=40, seconds=60)), think_s=9)))
    assert found.busy is None


def test_closed_load_from_a_jump_on() -> None:
    """All 30 come at once, and stay for 20 s; then each waits for the answer it asked for: 6 batches."""
    found = forecast(asked(Closed(stages=(Stage(users=30, seconds=0), Stage(users=30, seconds=20)))))
    assert found == Forecast(timed_out=0, wall_s=26.0, busy=Busy(from_s=1.0, to_s=20.0), hold_ms=1000)


def test_closed_load_with_more_users_than_acquire_timeout_allows() -> None:
    found = forecast(asked(Closed(stages=(Stage(users=60, seconds=0), Stage(users=60, seconds=20)))))
    assert found.timed_out is None


def test_the_longest_of_several_windows_is_taken() -> None:
    """Above 10 users from 5 to 15 s, and from 25 to 65 s."""
    corners = ((20, 10), (0, 10), (20, 10), (20, 30), (0, 10))
    stages = tuple(Stage(users=users, seconds=seconds) for users, seconds in corners)
    assert forecast(asked(Closed(stages=stages))).busy == Busy(from_s=26.0, to_s=65.0)


def test_open_load_below_what_the_pool_can() -> None:
    even = Open(rate_per_s=4, seconds=10, arrivals="uniform")
    assert forecast(asked(even)) == Forecast(served=40, timed_out=0, wall_s=39 / 4 + 1, hold_ms=1000)
    assert forecast(asked(Open(rate_per_s=4, seconds=10, arrivals="poisson"))) == Forecast()


def test_open_load_above_what_the_pool_can() -> None:
    """10/s on a pool that serves 5/s, acquire timeout 10 s: the wait is 10 s at 10 s, and from then on half are
    served."""
    found = forecast(asked(Open(rate_per_s=10, seconds=30), acquire_timeout=10.0))
    # A queue of 5 grows at 5/s: one second, and one hold until completions show it.
    assert found == Forecast(served=200, timed_out=100, wall_s=41.0, busy=Busy(from_s=2.0, to_s=30.0), hold_ms=1000)


def test_open_load_that_ends_before_anyone_times_out() -> None:
    found = forecast(asked(Open(rate_per_s=10, seconds=8), acquire_timeout=10.0))
    assert found == Forecast(served=80, timed_out=0, wall_s=17.0, busy=Busy(from_s=2.0, to_s=8.0), hold_ms=1000)


def test_what_follows_for_a_burst() -> None:
    """100 on 5 at 100 ms, acquire timeout 1.05 s: the 50th is in the tenth batch, the 95th is not served."""
    served = {
        f"{what}_ms_{q}_served": waited + (100 if what == "latency" else 0)
        for what in ("acquire", "latency")
        # 28th, 53rd, 55th and 55th of 55.
        for q, waited in (("p50", 500), ("p95", 1000), ("p99", 1000), ("max", 1000))
    }
    assert expected(made.cell("burst-timeout")) == pytest.approx(
        served
        | {
            "ok": 55, "timed_out": 45, "failed": 0, "efficiency": 1, "wall_s": 1.1, "goodput_per_s": 50,
            "first_timeout_s": 1.05, "waiting_peak": 95, "longest_wait_ms": 1050,
            "acquire_ms_p50_all": 900, "acquire_ms_p95_all": math.inf, "acquire_ms_p99_all": math.inf,
            "acquire_ms_max_all": math.inf, "latency_ms_p50_all": 1000, "latency_ms_p95_all": math.inf,
            "latency_ms_p99_all": math.inf, "latency_ms_max_all": math.inf,
        }
    )  # fmt: skip


def test_what_follows_for_requests_in_sequence() -> None:
    found = expected(made.cell("five-in-sequence"))
    assert found["waiting_peak"] == 0
    assert {value for name, value in found.items() if name.startswith("acquire_ms")} == {0}
    assert {value for name, value in found.items() if name.startswith("latency_ms")} == {100}


def test_what_follows_for_other_loads() -> None:
    ramp = expected(made.cell("ramp"))
    assert ramp == pytest.approx(
        {"efficiency": 1, "wall_s": 6.5, "timed_out": 0, "failed": 0, "first_timeout_s": math.inf}
    )
    assert expected(made.cell("leak-kept")) == {}
    assert expected(made.cell("floor")) == {"ok": 100, "timed_out": 0, "failed": 0, "first_timeout_s": math.inf}


def test_open_and_closed_load_are_simulated_from_a_seed() -> None:
    """What is busy when stays with arithmetic; a burst is arithmetic in any case."""
    over = asked(Open(rate_per_s=6, seconds=200), acquire_timeout=5.5)
    said = forecast(over, seed=1)
    assert (said.served, said.timed_out) == (1021, 221)
    assert said.busy is not None
    assert said.busy == forecast(over).busy
    assert said == forecast(over, seed=1) != forecast(over, seed=2)
    assert said.hold_ms == 1000
    below = forecast(asked(Open(rate_per_s=4, seconds=200)), seed=1)
    assert (below.timed_out, below.busy) == (0, None)
    assert 0 < (below.acquire_ms_p95 or 0) < 10_500
    even = forecast(asked(Open(rate_per_s=4, seconds=10, arrivals="uniform")), seed=1)
    assert (even.served, even.acquire_ms_max, even.waiting_peak, even.wall_s) == (40, 0, 0, 10.75)
    burst = asked(Burst(requests=9))
    assert forecast(burst, seed=1) == forecast(burst)


def test_closed_load_is_simulated_alike_for_every_seed() -> None:
    """Thirty who come together are served in six batches, over and over: 20 s of 5/s. The five who have their answer at
    20 s leave, and the 25 who wait then are served in five batches more."""
    load = Closed(stages=(Stage(users=30, seconds=0), Stage(users=30, seconds=20)))
    said = forecast(asked(load), seed=1)
    assert said == forecast(asked(load), seed=2)
    assert said == Forecast(
        served=125, timed_out=0, wall_s=25.0, busy=Busy(from_s=1.0, to_s=20.0), goodput_per_s=5.0, acquire_ms_p50=5000,
        acquire_ms_p95=5000, acquire_ms_p99=5000, acquire_ms_max=5000, waiting_peak=25, drain_s=6.0, hold_ms=1000,
    )  # fmt: skip


def test_a_hold_as_measured_is_in_everything() -> None:
    said = forecast(asked(Burst(requests=10)), hold_ms=1010.0)
    assert (said.wall_s, said.hold_ms, said.acquire_ms_max) == (2.02, 1010.0, 1010.0)
    cell = made.cell("burst-10", forecast=said)
    assert expected(cell)["latency_ms_p99_all"] == 2020.0
    assert expected(cell, made.cell("burst-10").forecast)["latency_ms_p99_all"] == 200


def test_a_larger_capacity_is_in_a_simulation_too() -> None:
    load = asked(Open(rate_per_s=6, seconds=200), acquire_timeout=5.5)
    assert forecast(load, 7, seed=1).timed_out == 0


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ramp", ""),
        ("floor", ""),
        ("leak-kept", "something goes wrong meanwhile"),
        ("burst-timeout-cpu", "the hold is work, and how long that takes depends on what else is at work"),
    ],
)
def test_why_nothing_is_said(name: str, why: str) -> None:
    assert unsaid(SCENARIOS[name].at(100)) == why


def test_what_follows_from_a_simulation() -> None:
    """Where a tenth timed out, the p95 of all is a request that was not served, and the p50 is not known."""
    said = Forecast(
        served=90, timed_out=10, wall_s=10.0, goodput_per_s=9.0, waiting_peak=7, acquire_ms_p50=300.0,
        acquire_ms_p95=500.0, acquire_ms_p99=510.0, acquire_ms_max=520.0, hold_ms=101.0,
    )  # fmt: skip
    cell = made.cell("ramp", forecast=said)
    assert made_by(cell) == "simulation"
    served = {"p50": 300, "p95": 500, "p99": 510, "max": 520}
    beyond = {f"{what}_ms_{q}_all": math.inf for what in ("acquire", "latency") for q in ("p95", "p99", "max")}
    waits = {f"acquire_ms_{q}_served": wait for q, wait in served.items()}
    counts = {
        "ok": 90,
        "timed_out": 10,
        "failed": 0,
        "goodput_per_s": 9.0,
        "wall_s": 10.0,
        "waiting_peak": 7,
        "longest_wait_ms": 1000,
    }
    latencies = {f"latency_ms_{q}_served": wait + 101 for q, wait in served.items()}
    assert expected(cell) == counts | waits | latencies | beyond
    all_served = expected(made.cell("ramp", forecast=replace(said, timed_out=0)))
    assert all_served["acquire_ms_p50_all"] == 300
    assert all_served["latency_ms_max_all"] == 621
    assert made_by(made.cell("burst-10")) == made_by(made.cell("ramp")) == "arithmetic"
    assert made_by(made.cell("leak-kept")) == ""
