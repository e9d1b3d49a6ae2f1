"""Reports of a run, made from what was stored and from nothing else."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal

from bench.analysis.statistics import LEAST_FOR_INTERVAL
from bench.analysis.summary import measure, spreads
from bench.record.store import Stored
from bench.record.summary import Summary
from bench.report.formats import markdown, readme, summary_json, terminal
from bench.report.layers import layers
from bench.report.table import Table
from bench.report.view import View

Format = Literal["terminal", "md", "readme", "json"]
EXPORTERS: Final[Mapping[Format, Callable[[View], str]]] = {
    "terminal": terminal.report,
    "md": markdown.report,
    "readme": readme.report,
    "json": summary_json.report,
}
"""A file of `formats/` for each."""
TABLES: Final[Mapping[Literal["terminal", "md"], Callable[[Iterable[Table]], str]]] = {
    "terminal": terminal.tables,
    "md": markdown.tables,
}
"""Those that can show tables without a run around them."""


def render(stored: Stored, summary: Summary, form: Format) -> str:
    """For a terminal, `report.md`, the section of a README, or `summary.json`."""
    return EXPORTERS[form](view_of(stored, summary))


def beside(one: View, other: View, form: Literal["terminal", "md"]) -> str:
    """The same scenarios on the pool alone and over HTTP. Raises UserError where they cannot be set side by side."""
    return TABLES[form](layers(one, other))


def view_of(stored: Stored, summary: Summary) -> View:
    """A stored run as its tables ask for it."""
    repetitions = max((cell.repetitions for cell in summary.cells), default=0)
    # Where there are intervals, the lowest and the highest are not shown.
    metrics = (
        measure(stored.run, stored.requests, stored.samples, stored.events)
        if 1 < repetitions < LEAST_FOR_INTERVAL
        else {}
    )
    return View(stored.run, summary, spreads(stored.run, metrics))
