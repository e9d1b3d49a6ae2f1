"""Two runs beside each other: a line for each scenario and stack."""

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict

from bench.analysis.change import Change
from bench.metrics.registry import METRICS
from bench.report import words
from bench.report.numbers import decimals_of, missing, number
from bench.report.table import Table


def changes_table(found: Sequence[Change], threshold: float, called: Callable[[str], str] = words.stack) -> Table:
    """What became of each figure from A to B, and below it how many of them are what.

    `called` says what a service is called.
    """
    counts = Counter[str](change.verdict for change in found)
    verdicts = ("worse", "better", "equivalent", "undecided", "not judged")
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in verdicts)
    return Table(
        title="Changes",
        about=(
            f"worse or better: by over {100 * threshold:g} % (shares: points), corrected over all changes; equivalent: "
            "the whole 95 % interval, in brackets, within that; undecided: neither"
        ),
        headers=("scenario", "stack", "figure", "A", "B", "change", "verdict"),
        rows=tuple(_row(change, called) for change in found),
        notes=(said,),
    )


def as_json(found: Sequence[Change], threshold: float, differs: Sequence[str]) -> str:
    """The same for programs; a figure beyond the end of the load is null, as one that is not known."""

    def finite(value: object) -> object:
        return None if isinstance(value, float) and math.isinf(value) else value

    each = [{name: finite(value) for name, value in asdict(change).items()} for change in found]
    return json.dumps({"threshold_percent": 100 * threshold, "differs": differs, "changes": each}, indent=1)


def _row(change: Change, called: Callable[[str], str]) -> tuple[str, ...]:
    ends = (change.before, change.after)
    decimals = decimals_of(change.metric, [value for value in ends if value is not None and math.isfinite(value)])
    before, after = (_median(change.metric, value, decimals) for value in ends)
    reason = f": {change.why}" if change.why else ""
    return (
        change.scenario,
        called(change.service),
        METRICS[change.metric].short_title,
        before,
        after,
        _percent(change),
        f"{change.verdict}{reason}",
    )


def _median(metric: str, value: float | None, decimals: int) -> str:
    if value is None:
        return words.UNKNOWN
    return missing(metric) if math.isinf(value) else number(value, decimals)


def _percent(change: Change) -> str:
    """`+4.2 % (+3.1 to +5.0)`."""
    if change.change is None or change.change_low is None or change.change_high is None:
        return words.UNKNOWN if change.before is None else ""
    unit = "points" if change.scale == "points" else "%"
    if change.change == change.change_low == change.change_high:
        return f"{change.change:+.1f} {unit}" if change.change else f"0 {unit}"
    return f"{change.change:+.1f} {unit} ({change.change_low:+.1f} to {change.change_high:+.1f})"
