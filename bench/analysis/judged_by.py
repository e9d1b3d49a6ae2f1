"""By which figure stacks are compared in a scenario, and whether they are compared at all."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final, Literal

from bench.analysis.rule import MARGIN, Scale
from bench.analysis.statistics import median
from bench.metrics.model import Metrics
from bench.metrics.registry import METRICS
from bench.scenarios.catalogue import SCENARIOS

SERVED: Final = "share_served"
STARVED: Final = "starved_share"
Spoiler = Literal["CPU-bound", "machine busy"]
Gap = Callable[[Sequence[float], Sequence[float]], float]
"""How far the values of one side are from those of the other, as a share."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What is compared, and how."""

    metric: str
    """What is named."""
    values: str
    """The metric whose values are compared: of the number served, its share."""
    scale: Scale
    why: str = ""
    """Why it is not the primary metric, in one line."""

    @property
    def replaced(self) -> bool:
        """A share took the place of the primary metric: it is judged, and never equivalent."""
        return bool(self.why)

    def difference(self, one: float, other: float) -> float:
        """Above 0 where `one` is better: of logarithms, or of shares."""
        sign = 1 if METRICS[self.values].higher_is_better else -1
        apart = one - other if self.scale == "points" else math.log(one) - math.log(other)
        return sign * apart

    def percent(self, difference: float) -> float:
        """A difference as a percentage of the worse one, or in points; above 0 where the first is better."""
        if self.scale == "points":
            return 100 * difference + 0.0
        size = abs(difference)
        of_the_worse = math.expm1(size) if METRICS[self.values].higher_is_better else -math.expm1(-size)
        return 100 * math.copysign(of_the_worse, difference) + 0.0


def primary_of(scenario: str) -> str:
    """The metric on which stacks are compared there."""
    known = SCENARIOS.get(scenario)
    return known.primary if known else "ok"


def about_a_pool(scenario: str) -> bool:
    """Whether stacks are compared there; one that is in no catalogue is."""
    known = SCENARIOS.get(scenario)
    return known is None or known.takes_a_connection


def spoiler(*cells: Metrics) -> Spoiler | None:
    """Why cells that belong together are in no comparison; None where they are."""
    if any(cell.get("cpu_bound") for cell in cells):
        return "CPU-bound"
    return "machine busy" if any(cell.get("machine_busy") for cell in cells) else None


def lost(spoilers: Iterable[Spoiler | None]) -> str:
    """`3 CPU-bound, 1 machine busy`: what was taken out; "" where nothing was."""
    return ", ".join(f"{count} {why}" for why, count in sorted(Counter(filter(None, spoilers)).items()))


def within_pairs(ones: Sequence[float], others: Sequence[float]) -> float:
    """The median distance within a repetition."""
    return median([abs(one - other) for one, other in zip(ones, others, strict=True)]) or 0.0


def between_runs(ones: Sequence[float], others: Sequence[float]) -> float:
    """The distance of the medians."""
    return abs((median(ones) or 0.0) - (median(others) or 0.0))


def figure(scenario: str, ours: Sequence[Metrics], theirs: Sequence[Metrics], gap: Gap) -> Figure:
    """What is compared over these cells: a share where it differs by more than the margin, else the primary metric.

    No sign is looked at, so that the choice is no second look at the verdict.
    """
    for name, said in _shares(scenario):
        sides = [[value for cell in cells if (value := cell.get(name)) is not None] for cells in (ours, theirs)]
        if not all(sides) or (len(sides[0]), len(sides[1])) != (len(ours), len(theirs)):
            continue
        # A share of 0.12 is no more than 0.02 above one of 0.1, whatever their difference in binary is.
        if round(gap(*sides), 9) > MARGIN:
            means = sorted(map(fmean, sides), reverse=METRICS[name].higher_is_better)
            shares = " and ".join(f"{100 * mean:.0f} %" for mean in means)
            return Figure(metric=name, values=name, scale="points", why=f"{shares} {said}")
    primary = METRICS[primary_of(scenario)]
    if primary.name == "ok":
        return Figure(metric="ok", values=SERVED, scale="points")
    if any(primary.measured(cell[primary.name]) == math.inf for cell in (*ours, *theirs)):
        why = f"{primary.label} is not served in some repetitions"
        return Figure(metric=SERVED, values=SERVED, scale="points", why=why)
    return Figure(metric=primary.name, values=primary.name, scale="ratio")


def _shares(scenario: str) -> tuple[tuple[str, str], ...]:
    """The shares that come before a primary metric, and what is said of them."""
    known = SCENARIOS.get(scenario)
    served = (SERVED, "were served")
    if known is not None and known.family == "fairness":
        return (STARVED, "of users were served under half the mean"), served
    return (served,)
