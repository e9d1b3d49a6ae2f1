"""Reports of a run, made from what was stored and from nothing else.

In: a run with its samples, and its summary. Out: the text of a format.
"""

from typing import Literal

from bench.analysis.figures import Summary
from bench.analysis.statistics import LEAST_FOR_INTERVAL
from bench.analysis.summary import as_json, measure, spreads
from bench.record.store import Stored
from bench.report import markdown, terminal
from bench.report.layers import layers
from bench.report.view import View

Format = Literal["terminal", "md", "readme", "json"]


def render(stored: Stored, summary: Summary, form: Format) -> str:
    """For a terminal, `report.md`, the section of a README, or `summary.json`."""
    if form == "json":
        return as_json(summary)
    view = view_of(stored, summary)
    if form == "terminal":
        return terminal.report(view)
    return markdown.report(view) if form == "md" else markdown.readme(view)


def beside(one: View, other: View, form: Literal["terminal", "md"]) -> str:
    """The same scenarios on the pool alone and over HTTP. Raises UserError where they cannot be set side by side."""
    tables = layers(one, other)
    if form == "terminal":
        return "\n\n".join(map(terminal.table_text, tables)) + "\n"
    return "\n\n".join(markdown.table_text(table, 2) for table in tables) + "\n"


def view_of(stored: Stored, summary: Summary) -> View:
    """A stored run as its tables ask for it."""
    blocks = max((cell.repetitions for cell in summary.cells), default=0)
    # Where there are intervals, nobody asks for the lowest and the highest.
    metrics = (
        measure(stored.run, stored.requests, stored.samples, stored.events) if 1 < blocks < LEAST_FOR_INTERVAL else {}
    )
    return View(stored.run, summary, spreads(stored.run, metrics))
