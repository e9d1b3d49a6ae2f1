"""A run as CSV: a row for each scenario, service and metric."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from bench.metrics.registry import METRICS
from bench.record.summary import CellSummary
from bench.report.view import View

HEADER: Final = ("scenario", "service", "metric", "unit", "median", "low", "high", "repetitions", "marks")


def report(view: View, scenario: str | None = None) -> str:
    """Every metric of one scenario, or of all; what is missing is empty. docs/commands.md has the columns."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for cell in (*view.summary.cells, *view.summary.disturbed):
        if scenario in (None, cell.scenario):
            writer.writerows(_rows(view, cell))
    return out.getvalue()


def _rows(view: View, cell: CellSummary) -> Iterator[tuple[object, ...]]:
    pair = cell.scenario, cell.service
    marks = "; ".join(
        said for said, mark in (("CPU-bound", view.bound(*pair)), ("machine busy", view.busy(*pair))) if mark
    )
    for name, found in cell.metrics.items():
        ends = (found.value, found.low, found.high)
        yield (*pair, name, METRICS[name].unit, *ends, cell.repetitions, marks)
