"""What two lists of values say of a difference: an estimate, an exact interval and an exact p-value.

The three figures come from one sorted list, and so never contradict each other. Wilcoxon's signed-rank and the
Mann–Whitney test with the Hodges–Lehmann estimate and the interval that belongs to them (Hollander, Wolfe and Chicken,
Nonparametric Statistical Methods, 3rd ed., §3.1–3.3 and §4.1–4.3). scipy has the tests, but neither the interval nor
exact p-values where values are equal. Here an equal value counts against both sides, and the interval includes its
ends: then neither errs more often than its level says (Noether 1967).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.analysis.statistics import median

Floats = NDArray[np.float64]

ROUNDING: Final = 1e-9
"""Differences smaller than this part of the largest are rounding, and count as none."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How far one list lies above another. `steps` are the differences that all of it is read from, ascending;
    `chances[k]` is how probable it is by chance that at most k lie below zero."""

    estimate: float
    p_value: float
    """Two-sided."""
    steps: tuple[float, ...]
    chances: tuple[float, ...]

    def interval(self, level: float) -> tuple[float, float] | None:
        """The interval that errs in at most `level` of cases: without 0 in it exactly where `p_value` ≤ level.

        None where there are too few values for that, however they lie.
        """
        inside = sum(1 for chance in self.chances if 2 * chance <= level)
        if not inside:
            return None
        return self.steps[inside - 1], self.steps[-inside]


@dataclass(frozen=True, kw_only=True)
class SignedRanks:
    """What Wilcoxon's signed-rank test says of each row of differences within pairs."""

    rows: Floats
    """The differences, without what is rounding."""
    estimate: Floats
    low: Floats
    high: Floats
    p_value: Floats
    """Two-sided and exact."""


def signed_ranks(rows: Floats, level: float) -> SignedRanks:
    """Wilcoxon's signed-rank test of each row (rows × pairs), with the interval that errs in at most `level` of cases.

    The interval has no ends (±∞) where there are too few pairs for that.
    """
    rows = np.where(np.abs(rows) > ROUNDING * np.abs(rows).max(axis=1, keepdims=True), rows, 0.0)
    one, other = np.triu_indices(rows.shape[1])
    averages = (rows[:, one] + rows[:, other]) / 2
    chances = np.array(_signed_rank(rows.shape[1]))
    below, above = (averages <= 0).sum(axis=1), (averages >= 0).sum(axis=1)
    inside, count = int((2 * chances <= level).sum()), averages.shape[1]
    ends = [inside - 1, count - inside] if inside else []
    middle = [(count - 1) // 2, count // 2]
    averages.partition(sorted({*ends, *middle}), axis=1)
    unbounded = np.full(len(rows), np.inf)
    return SignedRanks(
        rows=rows,
        estimate=averages[:, middle].mean(axis=1),
        low=averages[:, ends[0]] if inside else -unbounded,
        high=averages[:, ends[1]] if inside else unbounded,
        p_value=np.minimum(1.0, 2 * chances[np.minimum(below, above)]),
    )


def unpaired(values: Sequence[float], others: Sequence[float]) -> Shift:
    """The Mann–Whitney test of how far `values` lie above `others`; needs at least one of each."""
    steps = sorted(_without_rounding([one - other for one, other in product(values, others)]))
    return _shift(steps, _mann_whitney(len(values), len(others)))


def _shift(steps: Sequence[float], chances: tuple[float, ...]) -> Shift:
    below, above = sum(step <= 0 for step in steps), sum(step >= 0 for step in steps)
    return Shift(
        estimate=median(steps) or 0.0,
        p_value=min(1.0, 2 * chances[min(below, above)]),
        steps=tuple(steps),
        chances=chances,
    )


def _without_rounding(differences: Sequence[float]) -> list[float]:
    least = ROUNDING * max(map(abs, differences))
    return [value if abs(value) > least else 0.0 for value in differences]


@lru_cache(maxsize=256)
def _signed_rank(pairs: int) -> tuple[float, ...]:
    """P(W ≤ k) for each k: every rank from 1 to `pairs` is in the sum or not, with even chances."""
    ways = [1]
    for rank in range(1, pairs + 1):
        ways = [_at(ways, total) + _at(ways, total - rank) for total in range(len(ways) + rank)]
    return _cumulated(ways)


@lru_cache(maxsize=256)
def _mann_whitney(count: int, others: int) -> tuple[float, ...]:
    """P(U ≤ k) for each k: the number of ways in which `others` lie below `count`, k times in all.

    The largest of all is one of `count` and lies above all others, or one of the others and lies above nothing that
    is counted (Mann and Whitney 1947).
    """
    table: list[list[int]] = [[1]] * (others + 1)
    for _ in range(count):
        row = [[1]]
        for above in range(1, others + 1):
            without, within = table[above], row[above - 1]
            size = max(len(without) + above, len(within))
            row.append([_at(without, total - above) + _at(within, total) for total in range(size)])
        table = row
    return _cumulated(table[others])


def _at(ways: Sequence[int], total: int) -> int:
    return ways[total] if 0 <= total < len(ways) else 0


def _cumulated(ways: Sequence[int]) -> tuple[float, ...]:
    every, passed, found = sum(ways), 0, []
    for count in ways:
        passed += count
        found.append(passed / every)
    return tuple(found)
