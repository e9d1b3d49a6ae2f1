"""Pages from stored runs."""

from pathlib import Path

from bench.analysis.summary import measure
from bench.record.layout import PAGE
from bench.record.stored import Stored, load
from bench.report.page.published import published
from bench.report.page.render import index, page
from bench.report.page.rows import rows_of
from bench.report.view import view_of


def page_of(stored: Stored) -> str:
    """The page of a run, from its files alone."""
    rows = rows_of(stored)
    cells = (each for scenario in rows for each in rows[scenario])
    metrics = measure(cells, stored.run.environment.cores)
    return page(view_of(stored.run, metrics), metrics, rows)


def index_of(directory: Path, runs: tuple[Path, ...]) -> str:
    """The page that joins those of several runs, each linked to the page beside it; the largest run is first."""
    found = []
    for run in runs:
        stored = load(run)
        view = view_of(stored.run, measure(stored.rows(), stored.run.environment.cores))
        found.append(published(run.name, f"{run.relative_to(directory)}/{PAGE}", view))
    found.sort(key=lambda run: (-len(run.scenarios), run.name))
    return index(found)
