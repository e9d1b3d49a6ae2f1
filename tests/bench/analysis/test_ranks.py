"""Rank tests against scipy's, and against their own intervals."""

from collections.abc import Sequence
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, wilcoxon

from bench.analysis.ranks import SignedRanks, signed_ranks, unpaired

numbers = st.integers(-1000, 1000)
"""Whole, so that a difference is exact, and 0 where two are equal."""
level = st.sampled_from([0.2, 0.1, 0.05, 0.01])


def paired(differences: Sequence[float], level: float = 0.05) -> SignedRanks:
    return signed_ranks(np.array([differences], dtype=float), level)


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=30, unique=True), st.data())
def test_paired_as_scipy_says_where_no_values_are_equal(sizes: list[int], data: st.DataObject) -> None:
    values = [size * data.draw(st.sampled_from([1, -1])) for size in sizes]
    assert paired(values).p_value[0] == pytest.approx(wilcoxon(values, method="exact").pvalue)


@given(st.lists(numbers, min_size=2, max_size=24, unique=True), st.data())
def test_unpaired_as_scipy_says_where_no_values_are_equal(values: list[int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(values) - 1))
    ours = unpaired(values[:cut], values[cut:])
    assert ours.p_value == pytest.approx(mannwhitneyu(values[:cut], values[cut:], method="exact").pvalue)


def test_a_published_interval() -> None:
    # Hollander, Wolfe and Chicken, example 3.1: depression before and after a tranquilliser; the estimate −0.46,
    # P = 0.040, and the interval (−0.786, −0.010) at 96.1 %.
    before = (1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30)
    after = (0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29)
    found = paired([b - a for a, b in zip(before, after, strict=True)], 0.04)
    assert found.estimate[0] == pytest.approx(-0.46)
    assert found.p_value[0] == pytest.approx(0.0390625)
    assert (found.low[0], found.high[0]) == pytest.approx((-0.786, -0.010))


@given(st.lists(numbers, min_size=1, max_size=14), level)
def test_an_interval_leaves_zero_out_exactly_where_the_p_value_says_so(values: list[int], level: float) -> None:
    found = paired(values, level)
    assert bool(found.low[0] > 0 or found.high[0] < 0) is bool(found.p_value[0] <= level)


@given(st.lists(numbers, min_size=1, max_size=14))
def test_the_estimate_is_the_median_of_all_averages(values: list[int]) -> None:
    averages = [(one + other) / 2 for nth, one in enumerate(values) for other in values[nth:]]
    assert paired(values).estimate[0] == median(averages)


@given(st.lists(st.lists(numbers, min_size=9, max_size=9), min_size=1, max_size=5), level)
def test_rows_are_tested_each_by_itself(rows: list[list[int]], level: float) -> None:
    together = signed_ranks(np.array(rows, dtype=float), level)
    for nth, values in enumerate(rows):
        alone = paired(values, level)
        for name in ("estimate", "low", "high", "p_value"):
            assert getattr(together, name)[nth] == getattr(alone, name)[0]


@given(st.lists(numbers, min_size=1, max_size=9), st.lists(numbers, min_size=1, max_size=9), level)
def test_so_does_that_of_two_lists(values: list[int], others: list[int], level: float) -> None:
    shift = unpaired(values, others)
    ends = shift.interval(level)
    assert (ends is not None and not ends[0] <= 0 <= ends[1]) is (shift.p_value <= level)


@given(st.lists(numbers, min_size=1, max_size=9), st.lists(numbers, min_size=1, max_size=9))
def test_the_other_way_round_everything_is_mirrored(values: list[int], others: list[int]) -> None:
    one, other = unpaired(values, others), unpaired(others, values)
    assert (one.estimate, one.p_value) == (-other.estimate, other.p_value)
    assert one.steps == tuple(-step for step in reversed(other.steps))


def test_equal_values_are_no_difference_and_rounding_is_none() -> None:
    assert paired([0.0] * 10).p_value[0] == unpaired([55] * 10, [55] * 10).p_value == 1
    assert (paired([0.0] * 10).low[0], paired([0.0] * 10).high[0]) == (0, 0)
    assert paired([1.0, 0.3 - 0.1 - 0.2]).rows.tolist() == [[1, 0]]


def test_few_values_have_no_interval_however_they_lie() -> None:
    assert paired([1, 2, 3, 4, 5]).p_value[0] == 0.0625
    assert (paired([1, 2, 3, 4, 5]).low[0], paired([1, 2, 3, 4, 5]).high[0]) == (-np.inf, np.inf)
    assert (paired([1, 2, 3, 4, 5, 6]).low[0], paired([1, 2, 3, 4, 5, 6]).high[0]) == (1, 6)
