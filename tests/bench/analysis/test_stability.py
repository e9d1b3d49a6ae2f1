"""Intervals that are too wide to tell anything."""

import math
from dataclasses import replace

import pytest

from bench.analysis.stability import Unstable, half_width, settled, unstable
from bench.record.summary import CellSummary, Figure, Summary


def summarised(low: float | None, high: float | None, *, bound: float = 0.0, repetitions: int = 10) -> CellSummary:
    metrics = {"latency_ms_p50_served": Figure(value=100.0, low=low, high=high), "cpu_bound": Figure(value=bound)}
    return CellSummary(scenario="five-in-sequence", service="s", repetitions=repetitions, metrics=metrics)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (summarised(98, 102), 0.02),
        (summarised(90, 104), 0.07),
        (summarised(90, None), math.inf),
        (summarised(None, None), None),
        (summarised(50, 150, bound=1.0), None),
    ],
)
def test_half_widths(cell: CellSummary, expected: float | None) -> None:
    assert half_width(cell) == expected


@pytest.mark.parametrize(
    ("low", "high", "repeat"), [(97, 103, 30), (96, 104, 40), (95.6, 104.4, 50), (90, 110, None), (90, None, None)]
)
def test_what_is_too_wide_comes_with_advice(low: float, high: float | None, repeat: int | None) -> None:
    half = math.inf if high is None else (high - low) / 2 / 100
    summary = Summary(schema=1, cells=(summarised(low, high),))
    assert unstable(summary) == (Unstable(scenario="five-in-sequence", service="s", half_width=half, repeat=repeat),)
    assert not settled(summary, "five-in-sequence", 0.02)
    assert settled(summary, "one", 0.02)


def test_where_nobody_is_compared_nothing_is_too_wide() -> None:
    summary = Summary(schema=1, cells=(replace(summarised(50, 150), scenario="floor"),))
    assert unstable(summary) == ()


def test_narrow_ones_are_settled() -> None:
    summary = Summary(schema=1, cells=(summarised(98, 102), summarised(None, None, repetitions=4)))
    assert unstable(summary) == ()
    assert settled(summary, "five-in-sequence", 0.02)
