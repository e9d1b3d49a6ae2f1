"""Reports of a run, made from what was stored and from nothing else.

In: a run with its samples, and its summary. Out: the text of a format.
"""

from typing import Literal

from bench.analysis.statistics import LEAST_FOR_INTERVAL
from bench.analysis.summary import as_json, measure, spreads
from bench.records import Summary
from bench.report import markdown, terminal
from bench.report.view import View
from bench.store import Stored

Format = Literal["terminal", "md", "readme", "json"]


def render(stored: Stored, summary: Summary, form: Format) -> str:
    """For a terminal, `report.md`, the section of a README, or `summary.json`."""
    if form == "json":
        return as_json(summary)
    blocks = max((cell.repetitions for cell in summary.cells), default=0)
    # Where there are intervals, nobody asks for the lowest and the highest.
    metrics = (
        measure(stored.run, stored.requests, stored.samples, stored.events) if 1 < blocks < LEAST_FOR_INTERVAL else {}
    )
    view = View(stored.run, summary, spreads(stored.run, metrics))
    if form == "terminal":
        return terminal.report(view)
    return markdown.report(view) if form == "md" else markdown.readme(view)
