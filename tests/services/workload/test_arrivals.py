"""When requests leave and users come, by hand and by law."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workload.arrivals import crowd_steps, planned_times, user_steps, users_at
from services.workload.loads import Arrivals, Closed, Open, Stage, stages_s

RAMP = (
    Stage(users=2, seconds=0),
    Stage(users=4, seconds=10),
    Stage(users=4, seconds=5),
    Stage(users=1, seconds=3),
)


def test_uniform_times_by_hand() -> None:
    load = Open(rate_per_s=4, seconds=1.5, arrivals="uniform")
    assert planned_times(load, seed=1) == [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]


def test_uniform_count_does_not_grow_by_rounding() -> None:
    assert len(planned_times(Open(rate_per_s=0.3, seconds=10, arrivals="uniform"), seed=1)) == 3


def test_poisson_times_are_the_same_for_ever() -> None:
    times = planned_times(Open(rate_per_s=2, seconds=2, arrivals="poisson"), seed=7)
    assert times == pytest.approx([1.026316947836881, 1.2358805572318092, 1.69038972611173], abs=1e-12)


@given(st.integers(), st.floats(0.1, 500), st.floats(0.0, 5), st.sampled_from(["uniform", "poisson"]))
def test_times_ascend_inside_the_load_and_repeat(seed: int, rate: float, seconds: float, arrivals: Arrivals) -> None:
    load = Open(rate_per_s=rate, seconds=seconds, arrivals=arrivals)
    times = planned_times(load, seed)
    assert times == sorted(times) == planned_times(load, seed)
    assert all(0 <= t < seconds or math.isclose(t, seconds) for t in times)


def test_poisson_has_the_rate_and_the_spread_of_poisson() -> None:
    load = Open(rate_per_s=100, seconds=10, arrivals="poisson")
    counts = [len(planned_times(load, seed)) for seed in range(200)]
    mean = sum(counts) / 200
    variance = sum((count - mean) ** 2 for count in counts) / 199
    # Four standard errors: of the mean sqrt(1000/200), of the variance 1000 * sqrt(2/199). Seeds are fixed.
    assert abs(mean - 1000) < 9
    assert abs(variance - 1000) < 400


def test_rate_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0/s"):
        planned_times(Open(rate_per_s=0, seconds=1), seed=1)


def test_ramp_by_hand() -> None:
    assert user_steps(RAMP) == [(0.0, 2), (5.0, 3), (10.0, 4), (16.0, 3), (17.0, 2), (18.0, 1)]
    assert [users_at(RAMP, t) for t in (-1, 0, 4.9, 5, 10, 15.9, 16, 18, 99)] == [0, 2, 2, 3, 4, 4, 3, 1, 1]
    assert stages_s(RAMP) == 18


def test_a_closed_load_ends_with_its_stages() -> None:
    load = Closed(stages=(Stage(users=2, seconds=1), Stage(users=2, seconds=3)))
    assert crowd_steps(load) == [(0.0, 0), (0.5, 1), (1.0, 2), (4.0, 0)]


stages = st.lists(st.builds(Stage, users=st.integers(0, 50), seconds=st.floats(0, 100)), max_size=5)


@given(stages)
def test_every_stage_ends_with_its_users(drawn: list[Stage]) -> None:
    steps = user_steps(drawn)
    assert steps == sorted(steps)
    assert len({when for when, _ in steps}) == len(steps)
    assert steps[-1][1] == (drawn[-1].users if drawn else 0)


def test_seeds_differ() -> None:
    load = Open(rate_per_s=10, seconds=1, arrivals="poisson")
    assert planned_times(load, 1) != planned_times(load, 2)
