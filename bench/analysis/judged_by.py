"""By which metric stacks are compared in a scenario, and whether they are compared at all."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Final, Literal

from bench.metrics.model import Metrics
from bench.metrics.registry import METRICS
from bench.scenarios.catalogue import SCENARIOS

SHARES_ALIKE: Final = 0.02
"""Waits are compared where the shares served differ by no more than this; else goodput is."""
GOODPUT: Final = "goodput_per_s"
Spoiler = Literal["CPU-bound", "machine busy"]


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


def chosen_metric(scenario: str, ours: Sequence[Metrics], theirs: Sequence[Metrics]) -> tuple[str, str]:
    """What is compared over the metrics of these cells on both sides, and why, where it is not the primary metric."""
    primary = METRICS[primary_of(scenario)]
    shares = [fmean(cell["share_served"] or 0.0 for cell in cells) for cells in (ours, theirs)]
    # A share of 0.12 is no more than 0.02 above one of 0.1, whatever their difference in binary is.
    if primary.needs_equal_shares and round(abs(shares[0] - shares[1]), 9) > SHARES_ALIKE:
        return GOODPUT, f"goodput, because {100 * shares[0]:.0f} % and {100 * shares[1]:.0f} % were served"
    if any(primary.measured(cell[primary.name]) == math.inf for cell in (*ours, *theirs)):
        return GOODPUT, "goodput, because the metric lies beyond the load's end in some repetitions"
    return primary.name, ""
