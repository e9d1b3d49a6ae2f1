"""`summary.json`, typed and frozen: figures over the repetitions of a run, and stacks compared within them."""

import json
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A metric over the repetitions of a cell: the median, and a 95 % interval from five repetitions on."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class CellSummary:
    """One scenario on one service, over its repetitions."""

    scenario: str
    service: str
    repetitions: int
    metrics: dict[str, Figure]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two stacks in one scenario of a run, pair by pair within its repetitions."""

    scenario: str
    a: str
    b: str
    metric: str
    """What was compared: the scenario's primary metric, or goodput in its place, and then `why` says so."""
    repetitions: int
    """The pairs that count."""
    verdict: Literal["better", "tie", "not judged", "CPU-bound"]
    better: str | None = None
    """The one that is."""
    why: str = ""
    """What has to be said of it, in one line."""
    a_median: float | None = None
    b_median: float | None = None
    difference: float | None = None
    """a − b, in the unit of the metric; None with everything below where there is nothing to compare."""
    low: float | None = None
    high: float | None = None
    """The interval of the difference, at `level`."""
    percent: float | None = None
    percent_low: float | None = None
    percent_high: float | None = None
    """The same in percent of the median of the worse one; above 0 where `a` is better."""
    p_value: float | None = None
    """Two-sided and uncorrected."""
    level: float | None = None
    """The p-value at which it counts, corrected for the number of comparisons; 1 − `level` is the interval's."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """`summary.json`."""

    schema: int
    cells: tuple[CellSummary, ...]
    comparisons: tuple[Comparison, ...] = ()
    disturbed: tuple[CellSummary, ...] = ()
    """Where every repetition was rejected because the machine was busy: medians without intervals, in no comparison."""


def as_json(summary: Summary) -> str:
    """The text of `summary.json`, a line for each cell, for each comparison and for each disturbed cell."""
    cells, comparisons, disturbed = (
        ",\n".join(json.dumps(asdict(each), allow_nan=False) for each in part)
        for part in (summary.cells, summary.comparisons, summary.disturbed)
    )
    return (
        f'{{"schema": {summary.schema}, "cells": [\n{cells}\n], "comparisons": [\n{comparisons}\n], '
        f'"disturbed": [\n{disturbed}\n]}}\n'
    )
