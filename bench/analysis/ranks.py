"""What two lists of values say of a difference: an estimate, an exact interval and an exact p-value."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement, product
from typing import Final

from bench.analysis.statistics import median

ROUNDING: Final = 1e-9
"""Differences smaller than this part of the largest are rounding, and count as none."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How far one list lies above the other. `steps` are the averages (paired) or differences (unpaired) that all
    of it is read from, ascending; `chances[k]` is how probable it is by chance that at most k lie below zero.

    The three figures come from one sorted list, and so never contradict each other. Wilcoxon's signed-rank and the
    Mann–Whitney test with the Hodges–Lehmann estimate and the interval that belongs to them (Hollander, Wolfe and
    Chicken, Nonparametric Statistical Methods, 3rd ed., §3.1–3.3 and §4.1–4.3). scipy has the tests, but neither the
    interval nor exact p-values where values are equal. Here an equal value counts against both sides, and the interval
    includes its ends: then neither errs more often than its level says (Noether 1967).
    """

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


def paired(differences: Sequence[float]) -> Shift:
    """Wilcoxon's signed-rank test of differences within pairs; needs at least one."""
    values = _without_rounding(differences)
    averages = sorted((one + other) / 2 for one, other in combinations_with_replacement(values, 2))
    return _shift(averages, _signed_rank(len(values)))


def unpaired(values: Sequence[float], others: Sequence[float]) -> Shift:
    """The Mann–Whitney test of how far `values` lie above `others`; needs at least one of each."""
    steps = sorted(_without_rounding([one - other for one, other in product(values, others)]))
    return _shift(steps, _mann_whitney(len(values), len(others)))


def least_p_value(pairs: int) -> float:
    """What the signed-rank test says of so many pairs that all differ in the same direction."""
    return 2.0 ** (1 - pairs)


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
