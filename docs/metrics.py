"""Writes the tables of docs/metrics.md from the registry of metrics, between markers; `python -m docs.metrics`."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from bench.metrics.model import Metric
from bench.metrics.registry import GROUPS
from bench.report.markers import fill

FILE: Final = Path(__file__).with_suffix(".md")
PART: Final = "metrics"
HEAD: Final = ("name", "in tables", "unit", "better", "what it is", "a missing value")


def render(text: str) -> str:
    """The page with its tables made anew; raises UserError where a marker is missing or stands twice."""
    return fill(text, "\n\n".join(_sections()), PART)


def stale() -> bool:
    """Whether the committed page differs from what the registry makes."""
    text = FILE.read_text(encoding="utf-8")
    return render(text) != text


def write() -> None:
    FILE.write_text(render(FILE.read_text(encoding="utf-8")), encoding="utf-8")


def _sections() -> Iterator[str]:
    """A table for each group."""
    for title, metrics in GROUPS.items():
        yield f"## {title}\n\n{_table(map(_row, metrics))}"


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


def _table(rows: Iterable[Iterable[str]]) -> str:
    lines = [HEAD, tuple("---" for _ in HEAD), *rows]
    return "\n".join(f"| {' | '.join(text.replace('|', chr(92) + '|') for text in line)} |" for line in lines)


def main() -> int:
    """Writes the page; with `--check` writes nothing, and the exit status is 1 if it would change."""
    if sys.argv[1:] == ["--check"]:
        if stale():
            print(f"{FILE.name} is not what the registry makes: run `python -m docs.metrics`", file=sys.stderr)
            return 1
        return 0
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
