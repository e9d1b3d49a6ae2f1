"""How the figures of metrics are written."""

import math
from collections.abc import Iterable

from bench.metrics.registry import METRICS
from bench.record.summary import Figure
from bench.report.words import UNKNOWN


def number(value: float, decimals: int) -> str:
    return "∞" if math.isinf(value) else f"{value:.{decimals}f}"


def decimals_of(name: str, values: Iterable[float]) -> int:
    """As many as give the largest of the values three digits, so that a row reads alike.

    Counts are whole unless a median lies between two.
    """
    known, fixed = [abs(value) for value in values], METRICS[name].decimals
    if fixed == 0:
        return 0 if all(value == round(value) for value in known) else 1
    largest = max(known, default=0.0)
    return fixed or (0 if largest >= 100 or not largest else 1 if largest >= 10 else 2 if largest >= 1 else 3)


def missing(name: str) -> str:
    """What stands for a value that is not there."""
    return METRICS[name].beyond or UNKNOWN


def expectation(name: str, value: float | None) -> str:
    """A figure of the forecast."""
    if value is None:
        return ""
    return missing(name) if math.isinf(value) else f"{round(value, decimals_of(name, [value])):g}"


def figure(found: Figure, decimals: int, ends: tuple[float, float] | None = None) -> str:
    """`1.23 (1.20–1.26)`, the median and its interval; `1.23 [1.20–1.26]`, and the lowest and highest, where
    there is no interval; alone where these read the same. "" where there is no median."""
    if found.value is None:
        return ""
    brackets = "[]"
    if found.low is not None:
        brackets, ends = "()", (found.low, math.inf if found.high is None else found.high)
    value = number(found.value, decimals)
    low, high = (number(end, decimals) for end in ends or (found.value, found.value))
    return value if low == high == value else f"{value} {brackets[0]}{low}–{high}{brackets[1]}"
