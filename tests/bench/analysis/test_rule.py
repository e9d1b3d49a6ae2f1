"""The rule of verdicts, against scipy's tests and against differences whose verdict is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as students_t
from scipy.stats import ttest_1samp

from bench.analysis.rule import MARGINS, Scale, better, equivalent, evidence, paired_t
from bench.analysis.students_t import two_sided


@given(st.integers(1, 120), st.floats(-60, 60))
def test_student_s_t_as_scipy_says(freedom: int, value: float) -> None:
    (found,) = two_sided(np.array([value]), freedom)
    assert found == pytest.approx(2 * students_t.sf(abs(value), freedom), abs=1e-12)


@given(st.lists(st.integers(-999, 999), min_size=2, max_size=40).filter(lambda values: len(set(values)) > 1))
def test_the_paired_t_test_as_scipy_says(values: list[int]) -> None:
    (found,) = paired_t(np.array([values], dtype=float))
    assert found == pytest.approx(ttest_1samp(values, 0).pvalue, abs=1e-12)


def test_the_same_difference_in_every_pair_is_no_chance_and_none_is_no_difference() -> None:
    assert paired_t(np.array([[0.1] * 10, [-0.1] * 10, [0.0] * 10])).tolist() == [0, 0, 1]


def row(*differences: float) -> np.ndarray:
    return np.array([differences])


@pytest.mark.parametrize("scale", ["ratio", "points"])
def test_better_is_beyond_the_margin_and_equivalent_within_it(scale: Scale) -> None:
    margin = MARGINS[scale]
    spread = np.linspace(-1, 1, 10) * 1e-4
    verdicts = {
        times: (
            bool(better(tests := evidence(row(*(times * margin + spread))), 0.05, scale)[0]),
            bool(equivalent(tests, scale)[0]),
        )
        for times in (-1.2, -0.8, 0.0, 0.8, 1.0, 1.2)
    }
    assert verdicts == {
        -1.2: (True, False),
        -0.8: (False, True),
        0.0: (False, True),
        0.8: (False, True),
        1.0: (False, False),
        1.2: (True, False),
    }


def test_a_margin_that_is_met_exactly_is_neither() -> None:
    margins: tuple[tuple[Scale, float], ...] = (("ratio", math.log(1.02)), ("points", 0.02), ("points", 1.0 - 0.98))
    for scale, at_it in margins:
        tests = evidence(row(*[at_it] * 10))
        assert not better(tests, 0.05, scale)[0]
        assert not equivalent(tests, scale)[0]


def test_one_large_difference_among_ten_is_not_enough_for_the_rank_test() -> None:
    """The t test alone would pass: nine alike, and one that is only a little on the other side."""
    values = [0.10, 0.11, 0.12, 0.13, 0.10, 0.11, 0.12, 0.13, 0.12, -0.14]
    tests = evidence(row(*values))
    assert tests.t[0] <= 0.05
    assert tests.wilcoxon[0] > 0.01
    assert not better(tests, 0.05, "ratio")[0]


def test_the_level_of_the_correction_holds_for_the_t_test() -> None:
    values = [0.03, 0.09, 0.01, 0.12, 0.05, 0.02, 0.10, 0.04, 0.07, 0.06]
    tests = evidence(row(*values))
    p_value = float(tests.t[0])
    assert better(tests, p_value, "ratio")[0]
    assert not better(tests, p_value * 0.999, "ratio")[0]


def test_rows_are_judged_each_by_itself() -> None:
    rows = np.array([[0.1] * 10, [0.0] * 10, [-0.1, 0.1] * 5])
    tests = evidence(rows)
    assert better(tests, 0.05, "ratio").tolist() == [True, False, False]
    assert equivalent(tests, "ratio").tolist() == [False, True, False]
