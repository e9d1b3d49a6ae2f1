"""A run drawn again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from bench.analysis.comparison import Judged, drafted
from bench.analysis.rates import Rate, effective
from bench.analysis.resampling import draw_changes, rate, redraw, runs_with
from bench.metrics.model import Metrics
from bench.scenarios.catalogue import SCENARIOS
from tests.bench import made


def stored(scenario: str, *values: float, service: str = "s") -> dict[tuple[str, str, int], Metrics]:
    primary = SCENARIOS[scenario].primary
    return {
        (scenario, service, repetition): {
            "share_served": value / 100 if primary == "ok" else 1.0, "cpu_bound": 0.0, primary: value,
        }
        for repetition, value in enumerate(values)
    }  # fmt: skip


def family(spread: float, count: int = 3) -> list[Judged]:
    """Comparisons of as many stacks as it takes, whose differences vary by this share."""
    chance = np.random.default_rng(1)
    names = [f"s{nth}" for nth in range(count)]
    metrics: dict[tuple[str, str, int], Metrics] = {}
    for name in names:
        metrics |= stored("ramp", *(100 * np.exp(spread * chance.normal(size=10))), service=name)
    return [each for each in drafted(("ramp",), names, metrics) if isinstance(each, Judged)]


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


def test_fifteen_pairs_of_six_names_are_worth_eight() -> None:
    assert [round(effective(names)) for names in (2, 3, 6)] == [1, 2, 8]


def test_nothing_planted_is_rarely_found_and_five_percent_in_what_is_steady_always() -> None:
    steady = family(0.005)
    assert runs_with(redraw(steady, rounds=200, seed=1).better) == Rate(found=0, of=200)
    with_it = redraw(steady, rounds=200, seed=1, share=0.05)
    assert rate(with_it.right) == rate(with_it.better) == Rate(found=600, of=600)
    assert rate(with_it.equivalent).found == 0
    without = redraw(steady, rounds=200, seed=1)
    assert rate(without.equivalent).share > 0.99


def test_what_is_planted_is_not_found_where_it_drowns_and_nothing_is_equivalent_there() -> None:
    found = redraw(family(0.2), rounds=200, seed=1, share=0.05)
    assert rate(found.right).share < 0.05
    assert rate(found.equivalent).found == 0


def test_a_run_has_a_false_winner_in_a_few_cases_at_most_however_many_stacks() -> None:
    """45 comparisons that vary by a tenth; a true rate of 3.5 % gives more than 32 of 400 once in 100,000 cases."""
    found = runs_with(redraw(family(0.1, count=10), rounds=400, seed=2).better)
    assert found.of == 400
    assert found.found <= 32


def test_the_same_seed_draws_the_same() -> None:
    one, same, other = (redraw(family(0.02), rounds=50, seed=seed, share=0.03).better for seed in (5, 5, 6))
    assert (one == same).all()
    assert (one != other).any()


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
