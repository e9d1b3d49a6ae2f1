"""Quantiles, medians, intervals and slopes, against values worked out by hand or by brute force."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.statistics import median, median_interval, quantile, rank_of, slope, spread

VALUES = st.lists(st.floats(min_value=0, max_value=1e9), max_size=40).map(sorted)


@pytest.mark.parametrize(
    ("q", "beyond", "expected"),
    [
        (0.0, 0, 10),
        (0.5, 0, 20),
        (0.51, 0, 30),
        (0.75, 0, 30),
        (1.0, 0, 40),
        # Four served, four not: the median is the last that was served.
        (0.5, 4, 40),
        (0.51, 4, None),
        (1.0, 1, None),
    ],
)
def test_quantile_is_the_nearest_rank(q: float, beyond: int, expected: float | None) -> None:
    assert quantile([10, 20, 30, 40], q, beyond) == expected


def test_quantile_of_nothing() -> None:
    assert quantile([], 0.5) is None
    assert quantile([], 0.5, beyond=3) is None


def test_rank_is_not_pushed_up_by_floats() -> None:
    assert 0.07 * 100 > 7
    assert rank_of(0.07, 100) == 7


@given(VALUES, st.integers(0, 40), st.lists(st.floats(0, 1), min_size=2, max_size=6).map(sorted))
def test_quantiles_never_fall(values: list[float], beyond: int, qs: list[float]) -> None:
    found = [quantile(values, q, beyond) for q in qs]
    as_numbers = [math.inf if value is None else value for value in found]
    assert as_numbers == sorted(as_numbers)


@given(VALUES, st.integers(0, 40), st.floats(0, 1))
def test_what_was_not_served_never_lowers_a_quantile(values: list[float], beyond: int, q: float) -> None:
    alone, with_all = quantile(values, q), quantile(values, q, beyond)
    assert with_all is None or (alone is not None and with_all >= alone)


def test_median_and_spread() -> None:
    assert (median([]), spread([])) == (None, None)
    assert (median([3]), spread([3])) == (3, (3, 3))
    assert (median([4, 1, 2]), spread([4, 1, 2])) == (2, (1, 4))
    assert (median([4, 1, 2, 3]), spread([4, 1, 2, 3])) == (2.5, (1, 4))
    assert (median([1, math.inf]), median([1, 2, math.inf])) == (math.inf, 2)


@pytest.mark.parametrize("count", [5, 6])
def test_interval_is_that_of_all_resamples(count: int) -> None:
    values = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0][:count]
    medians = sorted(median(resample) or 0.0 for resample in itertools.product(values, repeat=count))
    for confidence in (0.5, 0.8, 0.95):
        tail = round((1 - confidence) / 2, 9)
        low, high = (medians[math.ceil(q * len(medians)) - 1] for q in (tail, 1 - tail))
        assert median_interval(values, confidence) == (low, high)


def test_interval_needs_five_values() -> None:
    assert median_interval([1, 2, 3, 4]) is None
    assert median_interval([3, 1, 2, 5, 4]) == (1, 5)
    assert median_interval([7.0] * 10) == (7.0, 7.0)


def test_interval_of_ten() -> None:
    # A resample's median is at most 2.5 in 2.0 % of all, 3 in 5.5 %, 7.5 in 94.5 %, 8 in 98.0 %.
    assert median_interval(range(1, 11)) == (3, 8)


def test_interval_reaches_beyond_what_was_seen() -> None:
    assert median_interval([1, 2, 3, math.inf, math.inf]) == (1, math.inf)


@given(st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=12))
def test_interval_holds_the_median(values: list[float]) -> None:
    low, high = median_interval(values) or (math.nan, math.nan)
    middle = median(values)
    assert middle is not None
    assert min(values) <= low <= middle <= high <= max(values)


def test_slope_of_too_little() -> None:
    assert slope([]) is None
    assert slope([1.0]) is None
    assert slope([1.0, 1.0]) is None


def test_slope_of_a_line() -> None:
    assert slope([3.0, 1.0, 2.0]) == pytest.approx(1.0)
    assert slope([0.0, 0.5, 1.0, 1.5]) == pytest.approx(2.0)


@given(c=st.integers(1, 50), batches=st.integers(2, 50), hold=st.floats(1e-3, 10), start=st.floats(-100, 100))
def test_slope_of_a_staircase_is_its_rate(c: int, batches: int, hold: float, start: float) -> None:
    stairs = [start + batch * hold for batch in range(batches) for _ in range(c)]
    assert slope(stairs) == pytest.approx(c / hold, rel=1e-6)
