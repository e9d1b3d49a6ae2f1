"""The rule of verdicts: from differences within pairs to better, equivalent or undecided.

Everything works on rows of differences, so that one comparison and a thousand draws of it are judged by the same code.
A row has the differences of one comparison, a pair each: of logarithms, or of shares.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from bench.analysis.ranks import ROUNDING, signed_ranks
from bench.analysis.students_t import two_sided

Scale = Literal["ratio", "points"]
"""What a difference is: ln a − ln b of figures, or a − b of shares (0.01 is a point)."""
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MARGIN: Final = 0.02
"""The least difference that matters: this share, or so many points."""
MARGINS: Final[Mapping[Scale, float]] = MappingProxyType({"ratio": math.log1p(MARGIN), "points": MARGIN})
ALPHA: Final = 0.035
"""Of Holm's correction over a run; with uniform noise the t test of ten errs more often than it says."""
SURE: Final = 0.01
"""The most that Wilcoxon's exact p may be, whatever the correction says."""
CONFIDENCE: Final = 0.95
"""Of the interval that is shown, and that must lie inside the margin for "equivalent"."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the tests say of each row."""

    estimate: Floats
    """Hodges–Lehmann."""
    low: Floats
    high: Floats
    """The ends of Wilcoxon's interval."""
    wilcoxon: Floats
    """Its exact p."""
    t: Floats
    """The p of the paired t test."""


def evidence(rows: Floats) -> Evidence:
    """The tests of `rows` (rows × pairs)."""
    ranks = signed_ranks(rows, 1 - CONFIDENCE)
    return Evidence(
        estimate=ranks.estimate, low=ranks.low, high=ranks.high, wilcoxon=ranks.p_value, t=paired_t(ranks.rows)
    )


def paired_t(rows: Floats) -> Floats:
    """Two-sided p of the paired t test; 0 where all differences of a row are the same and not zero."""
    count = rows.shape[1]
    mean, spread = rows.mean(axis=1), rows.std(axis=1, ddof=1)
    same = spread <= ROUNDING * np.abs(rows).max(axis=1)
    t = mean * math.sqrt(count) / np.where(same, 1, spread)
    return np.where(same, np.where(mean == 0, 1.0, 0.0), two_sided(t, count - 1))


def better(tests: Evidence, level: Floats | float, scale: Scale) -> Flags:
    """Whether one side is better, whichever: `level` is what Holm's correction leaves the t test."""
    return (tests.t <= level) & (tests.wilcoxon <= SURE) & beyond(tests, scale)


def beyond(tests: Evidence, scale: Scale) -> Flags:
    """Whether the estimate is above the margin, to whichever side."""
    return np.abs(tests.estimate) > MARGINS[scale] + ROUNDING


def equivalent(tests: Evidence, scale: Scale) -> Flags:
    """Whether the whole interval lies inside the margin."""
    margin = MARGINS[scale] - ROUNDING
    return (tests.low > -margin) & (tests.high < margin)
