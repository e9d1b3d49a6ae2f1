"""Rank tests against scipy's, and against their own intervals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, wilcoxon

from bench.analysis.ranks import least_p_value, paired, unpaired

numbers = st.integers(-1000, 1000)
"""Whole, so that a difference is exact, and 0 where two are equal."""
level = st.sampled_from([0.2, 0.1, 0.05, 0.01])


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=30, unique=True), st.data())
def test_paired_as_scipy_says_where_no_values_are_equal(sizes: list[int], data: st.DataObject) -> None:
    values = [size * data.draw(st.sampled_from([1, -1])) for size in sizes]
    assert paired(values).p_value == pytest.approx(wilcoxon(values, method="exact").pvalue)


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
    shift = paired([b - a for a, b in zip(before, after, strict=True)])
    assert shift.estimate == pytest.approx(-0.46)
    assert shift.p_value == pytest.approx(0.0390625)
    assert shift.interval(0.04) == pytest.approx((-0.786, -0.010))


@given(st.lists(numbers, min_size=1, max_size=14), level)
def test_an_interval_leaves_zero_out_exactly_where_the_p_value_says_so(values: list[int], level: float) -> None:
    shift = paired(values)
    ends = shift.interval(level)
    assert (ends is not None and not ends[0] <= 0 <= ends[1]) is (shift.p_value <= level)


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
    assert paired([0.0] * 10).p_value == unpaired([55] * 10, [55] * 10).p_value == 1
    assert paired([0.0] * 10).interval(0.05) == (0, 0)
    assert paired([1.0, 0.3 - 0.1 - 0.2]).steps == (0, 0.5, 1)


def test_few_values_have_no_interval_however_they_lie() -> None:
    assert least_p_value(5) == paired([1, 2, 3, 4, 5]).p_value == 0.0625
    assert paired([1, 2, 3, 4, 5]).interval(0.05) is None
    assert paired([1, 2, 3, 4, 5, 6]).interval(0.05) == (1, 6)
