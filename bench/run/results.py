"""What a run has found so far: each cell is kept as it ends, and summary and report are written when the run does,
also when it is interrupted.
"""

from contextlib import suppress
from types import TracebackType
from typing import Self

from bench.analysis.audit import disturbed
from bench.analysis.cells import cell_metrics
from bench.analysis.summary import measure
from bench.errors import UserError
from bench.metrics.model import Metrics
from bench.record.rows import Key
from bench.record.schema import Cell, Run
from bench.record.store import Store
from bench.record.stored import load
from bench.report.formats import markdown
from bench.report.page.make import page_of
from bench.report.view import View, view_of
from bench.run.cell import Played


class Results:
    """Takes cells one by one; what was finished before a `--resume` is taken up from the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._metrics: dict[Key, Metrics] = {}
        self._run: Run | None = None
        if (done := store.stored) is not None:
            self._metrics = measure(done.rows(), done.run.environment.cores)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error and self._run:
            with suppress(UserError):  # something else has gone wrong already
                self._write(self._run)

    @property
    def kept(self) -> bool:
        """Whether a cell has been, in this sitting or before."""
        return self._run is not None or self._store.stored is not None

    def add(self, run: Run, played: Played) -> None:
        """A cell that has just ended, and the run with it."""
        cell = played.cell
        self._store.save_cell(run, cell, played.requests, played.samples, played.events)
        if _shown(cell) and played.requests is not None and played.samples is not None:
            cores = run.environment.cores
            self._metrics[cell.key] = cell_metrics(cell, played.requests, played.samples, played.events, cores)
        self._run = run

    def close(self, run: Run) -> View:
        """A run as a whole, once it has ended."""
        self._store.merge(run)
        view = self._write(run)
        self._store.save_page(page_of(load(self._store.directory)))
        return view

    def _write(self, run: Run) -> View:
        view = self.view(run)
        self._store.save_summary(view.summary)
        self._store.save_report(markdown.report(view))
        return view

    def view(self, run: Run) -> View:
        """What reports are made of, as of now: what was played again counts once, and what was rejected never."""
        shown = {cell.key for cell in run.cells if _shown(cell)}
        return view_of(run, {key: values for key, values in self._metrics.items() if key in shown})


def _shown(cell: Cell) -> bool:
    """Whether a cell's figures may be shown, marked or not."""
    return cell.status == "ok" or disturbed(cell)
