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
    factor: str | None = None
    """The one thing in which they differ, which the verdict is about; None where it is about the stacks as they are."""
    metric: str
    """What was compared: the scenario's primary metric, or a share in its place, and then `why` says so."""
    repetitions: int
    """The pairs that count."""
    verdict: Literal["better", "equivalent", "undecided", "not judged", "CPU-bound"]
    better: str | None = None
    """The one that is."""
    why: str = ""
    """What has to be said of it, in one line."""
    scale: Literal["ratio", "points"] = "ratio"
    """Of figures, or of shares."""
    a_median: float | None = None
    b_median: float | None = None
    """In the unit of the metric; of the number served, its share. None, as all below, where nothing is judged."""
    percent: float | None = None
    percent_low: float | None = None
    percent_high: float | None = None
    """The difference and its 95 % interval in percent of the worse one, or in points; above 0 where `a` is better."""
    p_value: float | None = None
    """Of the paired t test, two-sided and uncorrected."""
    p_wilcoxon: float | None = None
    """Of Wilcoxon's signed-rank test, exact."""
    level: float | None = None
    """What Holm's correction over the run leaves `p_value`."""
    finds: float | None = None
    """The share of redrawn comparisons in which a planted 5 % (or 5 points) is found."""
    false_winner: float | None = None
    """The 95 % bound on the share in which a winner is found where there is none."""
    needed: int | None = None
    """Of what is undecided: how many repetitions would decide it; None where over a hundred."""
    claim: bool | None = None
    """Whether a claim that was named beforehand holds; None where nothing is claimed."""


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
