"""Draws of a service against itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from bench.analysis.resampling import Rate, by_scenario, draw, draw_changes, false_winners, right_winners
from bench.metrics.model import Metrics
from bench.scenarios.catalogue import SCENARIOS
from tests.bench import made


def stored(
    scenario: str, *values: float, service: str = "s", bound: float = 0.0
) -> dict[tuple[str, str, int], Metrics]:
    primary = SCENARIOS[scenario].primary
    return {
        (scenario, service, repetition): {
            "share_served": 1.0, "goodput_per_s": 50.0, "cpu_bound": bound, primary: value,
        }
        for repetition, value in enumerate(values)
    }  # fmt: skip


def test_bounds_as_published() -> None:
    # Clopper and Pearson: none of n has the upper bound 1 − 0.05^(1/n), all of n the lower bound 0.05^(1/n).
    assert Rate(found=0, of=300).upper == pytest.approx(1 - 0.05 ** (1 / 300))
    assert Rate(found=300, of=300).lower == pytest.approx(0.05 ** (1 / 300))
    assert (Rate(found=0, of=0).share, Rate(found=0, of=0).lower, Rate(found=0, of=0).upper) == (0, 0, 1)


@given(st.data(), st.one_of(st.integers(1, 30), st.integers(1, 60_000)))
def test_bounds_as_scipy_says(data: st.DataObject, of: int) -> None:
    found = data.draw(st.integers(0, min(of, 300)))
    few, many = Rate(found=found, of=of), Rate(found=of - found, of=of)
    high = binomtest(found, of, alternative="less").proportion_ci(0.95, method="exact").high
    low = binomtest(of - found, of, alternative="greater").proportion_ci(0.95, method="exact").low

    assert (few.upper, many.lower) == pytest.approx((high, low), rel=1e-8)


@given(st.lists(st.floats(80, 120), min_size=10, max_size=10), st.integers(0, 99))
def test_a_service_is_rarely_better_than_itself(values: list[float], seed: int) -> None:
    # A true rate of 5 % has 12 or more winners of 60 in less than 1 of 10,000 cases.
    rate = false_winners(draw(stored("five-in-sequence", *values), rounds=60, seed=seed))
    assert (rate.of, rate.found < 12) == (60, True)


def test_what_does_not_vary_has_no_false_winner_and_every_planted_one() -> None:
    metrics = stored("burst-timeout", *[55.0] * 10) | stored("burst-10", *[200.0] * 10)
    drawn = draw(metrics, rounds=20, seed=1, planted=0.05)
    assert false_winners(draw(metrics, rounds=20, seed=1)) == Rate(found=0, of=40)
    assert right_winners(drawn) == Rate(found=40, of=40)
    assert {name: len(of) for name, of in by_scenario(drawn).items()} == {"burst-timeout": 20, "burst-10": 20}
    assert {each.comparison.better for each in drawn} == {"a", "b"}


def test_what_is_planted_is_not_found_where_it_drowns_or_is_a_tie() -> None:
    noisy = stored("five-in-sequence", *[0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2])
    drowned = right_winners(draw(noisy, rounds=50, seed=1, planted=0.05))
    assert (drowned.of, drowned.share < 0.2) == (50, True)
    tied = draw(stored("five-in-sequence", *[1.0] * 10), rounds=5, seed=1, planted=0.01)
    assert right_winners(tied) == Rate(found=0, of=5)


def test_the_same_seed_draws_the_same() -> None:
    metrics = stored("five-in-sequence", *map(float, range(1, 11)))
    assert draw(metrics, rounds=3, seed=5) == draw(metrics, rounds=3, seed=5)
    assert draw(metrics, rounds=3, seed=5) != draw(metrics, rounds=3, seed=6)


def test_what_is_bound_by_the_cpu_is_not_drawn() -> None:
    assert draw(stored("five-in-sequence", *[1.0] * 10, bound=1.0), rounds=3, seed=1) == ()


def test_a_run_against_itself_has_no_change_but_the_planted_one() -> None:
    service = made.SERVICES[0]
    run = made.run([made.cell("burst-10", service), made.cell("burst-timeout", service)],
                   scenarios=("burst-10", "burst-timeout"))  # fmt: skip
    metrics = stored("burst-timeout", *[55.0] * 10, service=service) | stored(
        "burst-10", *[200.0] * 10, service=service
    )
    assert draw_changes(run, metrics, rounds=5, seed=1) == Rate(found=0, of=10)
    assert draw_changes(run, metrics, rounds=5, seed=1, planted=0.1) == Rate(found=10, of=10)
    assert draw_changes(run, metrics, rounds=5, seed=1, planted=-0.1) == Rate(found=0, of=10)


def test_each_service_is_drawn_from_its_own_repetitions() -> None:
    metrics = stored("ramp", *[10.0] * 10, service="x") | stored("ramp", *[99.0] * 10, service="y")
    drawn = draw(metrics, rounds=1, seed=1)
    assert [(each.service, each.comparison.a_median, each.comparison.b_median) for each in drawn] == [
        ("x", 10, 10),
        ("y", 99, 99),
    ]
