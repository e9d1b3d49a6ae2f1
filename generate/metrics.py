"""The tables of docs/metrics.md, from the registry of metrics."""

from collections.abc import Iterator
from typing import Final

from bench.metrics.model import Metric
from bench.metrics.registry import GROUPS
from generate.markdown import table

HEAD: Final = ("name", "in tables", "unit", "better", "what it is", "a missing value")


def tables() -> dict[str, str]:
    """Part of the page → a table for each group of metrics."""
    return {"metrics": "\n\n".join(_sections())}


def _sections() -> Iterator[str]:
    """A table for each group."""
    for title, metrics in GROUPS.items():
        yield f"## {title}\n\n{table(HEAD, map(_row, metrics))}"


def _row(metric: Metric) -> tuple[str, ...]:
    notes = [metric.text]
    if metric.least_sent:
        notes.append(f"Tables leave it out under {metric.least_sent} requests.")
    return (
        f"`{metric.name}`",
        metric.label,
        metric.unit,
        metric.better or "–",
        " ".join(notes),
        _missing(metric),
    )


def _missing(metric: Metric) -> str:
    if not metric.missing:
        return "never"
    return f"“{metric.beyond}”, longer than any: {metric.missing}" if metric.beyond else f"not known: {metric.missing}"
