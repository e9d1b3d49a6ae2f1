"""The simulations, against what is published of queues, against arithmetic, and against each other.

Seeds are fixed, so that a test passes always or never; its tolerance is four standard errors of the mean over
independent replications, and the standard error itself has to be small.
"""

import math
import random
from collections.abc import Callable
from functools import partial
from itertools import accumulate
from statistics import fmean, stdev

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from bench.analysis.closed_queue import closed_visits
from bench.analysis.open_queue import open_visits
from bench.analysis.queueing import foretold, simulated
from bench.analysis.visit import Visit
from bench.record.schema import Forecast
from services.workload.loads import Closed, Open, Stage
from tests.bench import made

REPLICATIONS = 12
ARRIVALS = 4000
WARM_UP = 1000
"""The first visits of a replication find too short a queue."""


def replicated(c: int, rate: float, service: Callable[[random.Random], float]) -> list[list[Visit]]:
    """Independent replications without patience, each without its beginning."""
    found = []
    for seed in range(REPLICATIONS):
        drawn = random.Random(seed)
        arrivals = list(accumulate(drawn.expovariate(rate) for _ in range(ARRIVALS)))
        found.append(open_visits(arrivals, c, partial(service, drawn))[WARM_UP:])
    return found


def agrees(values: list[float], published: float, within: float) -> bool:
    """Four standard errors cover the truth in 99.8 % of such tests (t with 11 degrees of freedom); they are at most
    `within` of it, so that an error larger than that is found."""
    error = 4 * stdev(values) / math.sqrt(len(values))
    assert error <= within * published, f"{error} is too wide to find anything"
    return abs(fmean(values) - published) <= error


def erlang_c(c: int, load: float) -> float:
    """The probability of waiting in M/M/c (Erlang 1917)."""
    full = load**c / math.factorial(c) * c / (c - load)
    return full / (math.fsum(load**k / math.factorial(k) for k in range(c)) + full)


def crommelin(c: int, load: float) -> float:
    """The mean wait in M/D/c in holds: Crommelin 1932, Σ P(A ≥ ic) − (c/a)·P(A > ic), A Poisson of mean i·a."""
    return math.fsum(poisson.sf(i * c - 1, i * load) - c / load * poisson.sf(i * c, i * load) for i in range(1, 2000))


@pytest.mark.parametrize(
    ("c", "load", "tabled", "within"),
    [(1, 0.8, 0.8, 0.3), (2, 1.0, 1 / 3, 0.2), (5, 4.0, 0.5541, 0.3), (10, 8.0, 0.4092, 0.4)],
)
def test_erlang_c(c: int, load: float, tabled: float, within: float) -> None:
    """Values of the tables (Cooper, Introduction to Queueing Theory; Tijms, A First Course in Stochastic Models)."""
    assert erlang_c(c, load) == pytest.approx(tabled, abs=5e-5)
    runs = replicated(c, load, lambda drawn: drawn.expovariate(1))
    waits = [[visit.waited_s for visit in visits] for visits in runs]
    assert agrees([fmean(wait > 0 for wait in each) for each in waits], tabled, within=0.15)
    assert agrees([fmean(each) for each in waits], tabled / (c - load), within)


@pytest.mark.parametrize("rho", [0.5, 0.8])
def test_one_server_with_a_fixed_hold(rho: float) -> None:
    """M/D/1: ρ·h/(2·(1 − ρ)), Pollaczek 1930 and Khinchine 1932."""
    mean = rho / (2 * (1 - rho))
    assert crommelin(1, rho) == pytest.approx(mean)
    runs = replicated(1, rho, lambda _: 1.0)
    assert agrees([fmean(visit.waited_s for visit in visits) for visits in runs], mean, within=0.2)
    assert agrees([fmean(visit.waited_s > 0 for visit in visits) for visits in runs], rho, within=0.1)


@pytest.mark.parametrize(("c", "rho"), [(2, 0.8), (5, 0.8), (5, 0.9)])
def test_several_servers_with_a_fixed_hold(c: int, rho: float) -> None:
    runs = replicated(c, c * rho, lambda _: 1.0)
    found = [fmean(visit.waited_s for visit in visits) for visits in runs]
    assert agrees(found, crommelin(c, c * rho), within=0.4)


def test_above_what_the_pool_can_one_in_six_gives_up() -> None:
    """M/D/5 at λ = 6/s with a patience of ten holds: 1 − 1/ρ = 16.7 % of a fluid."""
    load = Open(rate_per_s=6, seconds=600)
    shares = []
    for seed in range(REPLICATIONS):
        said = simulated(load, 5, 1.0, 10.0, seed)
        assert said.timed_out is not None
        assert said.served is not None
        shares.append(said.timed_out / (said.served + said.timed_out))
    assert agrees(shares, 1 - 5 / 6, within=0.1)
    assert simulated(load, 5, 1.0, 10.0, 1).acquire_ms_p50 == pytest.approx(9600, abs=100)


@settings(max_examples=60)
@given(n=st.integers(1, 80), c=st.integers(1, 12), patience=st.integers(0, 12))
def test_a_burst_is_what_arithmetic_says(n: int, c: int, patience: int) -> None:
    """As an open load whose requests all come at once, and as a closed one whose users all do and leave."""
    rows = made.fifo_burst(n, c, hold_us=1_000_000, acquire_timeout_us=patience * 1_000_000 + 500_000)
    by_hand = [
        Visit(0.0, row["acquire_us"] / 1e6, 1.0 if "status" not in row else None) for row in rows
    ]  # fmt: skip
    at_once = Closed(stages=(Stage(users=n, seconds=0), Stage(users=n, seconds=0.25)))
    assert sorted_by_wait(open_visits([0.0] * n, c, lambda: 1.0, patience + 0.5)) == by_hand
    assert sorted_by_wait(closed_visits(at_once, c, 1.0, patience + 0.5)) == by_hand


def sorted_by_wait(visits: list[Visit]) -> list[Visit]:
    return sorted(visits, key=lambda visit: (visit.held_s is None, visit.waited_s))


@settings(max_examples=40)
@given(users=st.integers(1, 30), seconds=st.floats(0.5, 9), c=st.integers(1, 5), patience=st.floats(0.6, 5))
def test_users_who_ask_once_are_an_open_load(users: int, seconds: float, c: int, patience: float) -> None:
    """They come one by one, and think for longer than they stay: so ciw has to say the same of them."""
    load = Closed(stages=(Stage(users=users, seconds=seconds), Stage(users=users, seconds=0.1)), think_s=1000)
    closed = closed_visits(load, c, 1.0, patience)
    freed = [visit.ended_s for visit in closed if visit.held_s is not None]
    # Where a connection comes free as a patience ends, ciw's floats toss a coin.
    assume(all(abs(visit.asked_s + patience - when) > 1e-6 for visit in closed for when in freed))
    opened = open_visits([visit.asked_s for visit in closed], c, lambda: 1.0, patience)
    assert [visit.held_s is None for visit in opened] == [visit.held_s is None for visit in closed]
    assert [visit.waited_s for visit in opened] == pytest.approx([visit.waited_s for visit in closed], abs=1e-6)


def test_users_think_and_leave() -> None:
    """Two on one connection: the second waits for the first, and is in the middle of a thought at 5 s."""
    load = Closed(stages=(Stage(users=2, seconds=0), Stage(users=2, seconds=5)), think_s=0.5)
    assert closed_visits(load, 1, 1.0, 10.0) == [
        Visit(0.0, 0.0, 1.0), Visit(0.0, 1.0, 1.0), Visit(1.5, 0.5, 1.0), Visit(2.5, 0.5, 1.0), Visit(3.5, 0.5, 1.0),
        Visit(4.5, 0.5, 1.0),
    ]  # fmt: skip


def test_the_last_to_come_leaves_first_and_has_its_answer() -> None:
    load = Closed(stages=(Stage(users=2, seconds=0), Stage(users=1, seconds=0.5), Stage(users=1, seconds=2)))
    assert closed_visits(load, 1, 1.0, 10.0) == [
        Visit(0.0, 0.0, 1.0), Visit(0.0, 1.0, 1.0), Visit(1.0, 1.0, 1.0),
    ]  # fmt: skip


def test_who_is_told_no_asks_again() -> None:
    """Patience ends at 0.4 s and at 0.8 s; asked at 0.8 s, served at 1 s. Who asks at the end does not come again."""
    load = Closed(stages=(Stage(users=2, seconds=0), Stage(users=2, seconds=0.9)))
    assert closed_visits(load, 1, 1.0, 0.4) == [
        Visit(0.0, 0.0, 1.0), Visit(0.0, 0.4, None), Visit(0.4, 0.4, None), Visit(0.8, 0.2, 1.0),
    ]  # fmt: skip


def test_whose_patience_ends_when_a_connection_comes_free_is_not_served() -> None:
    load = Closed(stages=(Stage(users=2, seconds=0), Stage(users=2, seconds=0.1)))
    assert closed_visits(load, 1, 1.0, 1.0) == [Visit(0.0, 0.0, 1.0), Visit(0.0, 1.0, None)]


def test_what_is_foretold() -> None:
    """Four on one connection: the last two wait together, and one gives up 3 s after it asked at 1 s."""
    visits = [Visit(0.5, 0.0, 2.0), Visit(0.75, 1.75, 2.0), Visit(1.0, 3.0, None), Visit(6.0, 0.0, 2.0)]
    assert foretold(visits) == Forecast(
        served=3, timed_out=1, wall_s=7.5, goodput_per_s=0.4, waiting_peak=2, drain_s=2.0,
        acquire_ms_p50=0.0, acquire_ms_p95=1750.0, acquire_ms_p99=1750.0, acquire_ms_max=1750.0,
    )  # fmt: skip
    assert foretold([]) == Forecast(served=0, timed_out=0)
    none = foretold([Visit(0.0, 1.0, None)])
    assert (none.served, none.goodput_per_s, none.acquire_ms_p50) == (0, 0.0, None)


def test_a_simulation_repeats_and_leaves_the_random_numbers_of_others_alone() -> None:
    load = Open(rate_per_s=6, seconds=20)
    random.seed(5)
    expected = random.random()
    random.seed(5)
    first = simulated.__wrapped__(load, 5, 1.0, 2.5, 3)
    assert random.random() == expected
    assert simulated.__wrapped__(load, 5, 1.0, 2.5, 3) == first
    assert simulated(load, 5, 1.0, 2.5, 4) != first
    assert open_visits([], 5, lambda: 1.0) == []
