"""How well the repetitions of a run pin down the one figure of each scenario, and what to do where they do not."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench.analysis.judged_by import about_a_pool, primary_of, spoiler
from bench.analysis.rule import MARGIN
from bench.analysis.statistics import median, median_interval
from bench.metrics.model import Metrics
from bench.record.summary import CellSummary, Summary

WIDE: Final = MARGIN
"""An interval that reaches further to a side than this share of the median is wider than what matters."""
MOST_REPETITIONS: Final = 30
"""Where `--repeat auto` ends, narrow or not."""
MOST_ADVISED: Final = 50
"""Who needs more repetitions than this needs another machine first."""


@dataclass(frozen=True, kw_only=True)
class Unstable:
    """A stack in a scenario whose interval is too wide."""

    scenario: str
    service: str
    half_width: float
    """As a share of the median; `math.inf` where the interval has no end."""
    repeat: int | None
    """How many repetitions are enough; None where that is too many to advise."""


def unstable(summary: Summary) -> tuple[Unstable, ...]:
    """Those that are too wide, of all that have an interval, are compared, and are not bound by the CPU, or on a
    busy machine, throughout."""
    return tuple(_unstable(summary, WIDE))


def settled(summary: Summary, scenario: str, limit: float) -> bool:
    """Nothing in this scenario is too wide."""
    return all(found.scenario != scenario for found in _unstable(summary, limit))


def _unstable(summary: Summary, limit: float) -> Iterator[Unstable]:
    for cell in summary.cells:
        half = half_width(cell) if about_a_pool(cell.scenario) else None
        if half is None or half <= limit:
            continue
        # The width of an interval falls as the root of the number of values.
        needed = cell.repetitions * (half / limit) ** 2 if math.isfinite(half) else math.inf
        repeat = math.ceil(needed / 10) * 10 if needed <= MOST_ADVISED else None
        yield Unstable(scenario=cell.scenario, service=cell.service, half_width=half, repeat=repeat)


def half_width(cell: CellSummary) -> float | None:
    """Of the primary metric, as a share of its median; None where there is no interval, or none that matters."""
    figure = cell.metrics.get(primary_of(cell.scenario))
    throughout: Metrics = {name: found.value for name, found in cell.metrics.items() if found.value == 1}
    if figure is None or figure.low is None or not figure.value or spoiler(throughout):
        return None
    return math.inf if figure.high is None else _share(figure.low, figure.high, figure.value)


def half_width_of(values: Sequence[float]) -> float:
    """The same of any finite values, one a repetition; 0 where there is no interval."""
    ends, middle = median_interval(values), median(values)
    return _share(*ends, middle) if ends and middle else 0.0


def _share(low: float, high: float, middle: float) -> float:
    return (high - low) / 2 / abs(middle)
