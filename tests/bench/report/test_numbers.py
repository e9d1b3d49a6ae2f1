"""How figures are written."""

import math

import pytest

from bench.record.summary import Figure
from bench.report.numbers import decimals_of, expectation, figure


@pytest.mark.parametrize(
    ("values", "decimals"),
    [([], 0), ([0.0], 0), ([0.25, 0.031], 3), ([1.0, 0.2], 2), ([10, 0.2], 1), ([99.9], 1), ([100, 3], 0)],
)
def test_three_digits_for_the_largest_of_a_row(values: list[float], decimals: int) -> None:
    assert decimals_of("latency_ms_p50_all", values) == decimals


def test_counts_are_whole_unless_a_median_is_not() -> None:
    assert decimals_of("ok", [55, 3]) == 0
    assert decimals_of("ok", [55, 54.5]) == 1
    assert decimals_of("efficiency", [0.99]) == decimals_of("efficiency", [1.01]) == 3


@pytest.mark.parametrize(
    ("found", "ends", "text"),
    [
        (Figure(value=None), None, ""),
        (Figure(value=1.234), None, "1.23"),
        (Figure(value=1.234, low=1.2, high=1.26), None, "1.23 (1.20–1.26)"),
        # The interval goes before the spread.
        (Figure(value=1.234, low=1.2, high=1.26), (1.0, 2.0), "1.23 (1.20–1.26)"),
        (Figure(value=1.234, low=1.2, high=None), None, "1.23 (1.20–∞)"),
        (Figure(value=1.234), (1.0, math.inf), "1.23 [1.00–∞]"),
        (Figure(value=1.234, low=1.231, high=1.234), None, "1.23"),
    ],
)
def test_figure(found: Figure, ends: tuple[float, float] | None, text: str) -> None:
    assert figure(found, 2, ends) == text


def test_expectation() -> None:
    assert expectation("ok", None) == ""
    assert expectation("ok", 55) == "55"
    assert expectation("wall_s", 1.1000000000000001) == "1.1"
    assert expectation("goodput_per_s", 48.025) == "48"
    assert expectation("latency_ms_p99_all", math.inf) == "> timeout"
    assert expectation("first_timeout_s", math.inf) == "none"
