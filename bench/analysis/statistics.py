"""Quantiles that know what was not served, and what repetitions say about a median."""

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

REPETITIONS_TO_JUDGE: Final = 10
"""Under this many repetitions nothing is said about which stack is better."""
LEAST_FOR_INTERVAL: Final = 5
"""Even all the way from the lowest to the highest, four values hold the true median with 87.5 % only."""


def rank_of(q: float, count: int) -> int:
    """The rank of a quantile among `count` values, from 1: the nearest, ⌈q·count⌉."""
    return max(1, math.ceil(round(q * count, 9)))


def quantile(ascending: Sequence[float] | NDArray[np.float64], q: float, beyond: int = 0) -> float | None:
    """The quantile `q` (0 to 1, which is the maximum) of the values and of `beyond` more.

    It is one of the values (nearest rank). `beyond` counts those that are longer than any of the values; None
    if the quantile is one of them, or if there are none at all.
    """
    rank = rank_of(q, len(ascending) + beyond)
    return float(ascending[rank - 1]) if rank <= len(ascending) else None


def median(values: Iterable[float]) -> float | None:
    """The middle value, or the mean of the two in the middle; None of nothing.

    A value that lies beyond all others (a recovery that never came) is `math.inf`.
    """
    ordered = sorted(values)
    if not ordered:
        return None
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def spread(values: Iterable[float]) -> tuple[float, float] | None:
    """The lowest and the highest; None of nothing."""
    ordered = sorted(values)
    return (ordered[0], ordered[-1]) if ordered else None


def median_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float] | None:
    """Bootstrap percentile interval of the median; None under five values.

    Over all nⁿ resamples rather than a drawn few thousand (Efron 1979, §3 does it for the median), so that it
    needs no seed and is the same wherever it is computed.
    """
    if len(values) < LEAST_FOR_INTERVAL:
        return None
    ordered = sorted(values)
    if ordered[0] == ordered[-1]:
        return float(ordered[0]), float(ordered[0])
    outcomes = sorted(((ordered[low] + ordered[high]) / 2, weight) for low, high, weight in _middle_ranks(len(ordered)))
    tail = (1 - confidence) / 2
    return _weighted_quantile(outcomes, tail), _weighted_quantile(outcomes, 1 - tail)


def slope(times: Sequence[float] | NDArray[np.float64]) -> float | None:
    """Events per unit of time: the least-squares slope of their running count over their times.

    Unlike a count in a window it does not depend on where between two batches the window ends: a staircase of
    c every h has the slope c/h exactly. None if there are no two moments.
    """
    ordered = np.sort(np.asarray(times, dtype=np.float64))
    count = len(ordered)
    if count < 2 or ordered[0] == ordered[-1]:
        return None
    from_mean = ordered - math.fsum(ordered.tolist()) / count
    together = math.fsum((from_mean * (np.arange(count) - (count - 1) / 2)).tolist())
    return together / math.fsum((from_mean**2).tolist())


@lru_cache(maxsize=64)
def _middle_ranks(count: int) -> tuple[tuple[int, int, float], ...]:
    """(rank, rank, probability) of the one or two values in the middle of a resample of `count` values."""
    half = count // 2
    if count % 2:
        at_most = [_binomial_tail(count, rank / count, half + 1) for rank in range(count + 1)]
        return tuple((rank, rank, at_most[rank + 1] - at_most[rank]) for rank in range(count))
    # The lower middle is the `half`-th of the resample. Where the two differ, half of the draws lie at or
    # below `low` and the others at or above `high`, at least one of them on each.
    at_most = [_binomial_tail(count, rank / count, half) for rank in range(count + 1)]
    splits = math.comb(count, half)
    found: list[tuple[int, int, float]] = []
    for low in range(count):
        below = _reach((low + 1) / count, low / count, half)
        apart = [
            (low, high, splits * below * _reach((count - high) / count, (count - high - 1) / count, half))
            for high in range(low + 1, count)
        ]
        together = at_most[low + 1] - at_most[low] - math.fsum(weight for _, _, weight in apart)
        found += [(low, low, together), *apart]
    return tuple(found)


def _reach(within: float, inside: float, draws: int) -> float:
    """The probability that all draws fall within, and not all of them inside."""
    return float(within**draws - inside**draws)


def _binomial_tail(count: int, p: float, least: int) -> float:
    """The probability of at least `least` successes."""
    return math.fsum(math.comb(count, k) * p**k * (1 - p) ** (count - k) for k in range(least, count + 1))


def _weighted_quantile(outcomes: Sequence[tuple[float, float]], q: float) -> float:
    passed = 0.0
    for value, weight in outcomes:
        passed += weight
        if passed >= q - 1e-12:
            return value
    return outcomes[-1][0]
