"""What a run has found so far, kept on disk as each cell ends: samples, summary and report.

Every file is complete at every moment.
"""

from bench.analysis.cells import cell_metrics
from bench.analysis.summary import measure
from bench.metrics.model import Metrics
from bench.record.columns import cell_rows
from bench.record.rows import Key
from bench.record.schema import Run
from bench.record.store import Store
from bench.report.formats import markdown
from bench.report.view import View, view_of
from bench.run.cell import Played


class Results:
    """Takes cells one by one; what was finished before a `--resume` is taken up from the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._metrics: dict[Key, Metrics] = {}
        if (done := store.stored) is not None:
            rows = cell_rows(done.run.cells, done.requests, done.samples, done.events)
            self._metrics = measure(rows, done.run.environment.cores)

    def add(self, run: Run, played: Played) -> None:
        """A cell that has just ended, and the run with it."""
        cell = played.cell
        self._store.save_cell(run, cell, played.requests, played.samples, played.events)
        if cell.status == "ok" and played.requests is not None and played.samples is not None:
            cores = run.environment.cores
            self._metrics[cell.key] = cell_metrics(cell, played.requests, played.samples, played.events, cores)
        self._write(run)

    def close(self, run: Run) -> View:
        """A run as a whole, once it has ended."""
        self._store.save_run(run)
        return self._write(run)

    def _write(self, run: Run) -> View:
        view = self.view(run)
        self._store.save_summary(view.summary)
        self._store.save_report(markdown.report(view))
        return view

    def view(self, run: Run) -> View:
        """What reports are made of, as of now: what was played again counts once, and what was rejected never."""
        ok = {cell.key for cell in run.cells if cell.status == "ok"}
        return view_of(run, {key: values for key, values in self._metrics.items() if key in ok})
