"""The one writer of a results directory: it keeps cells as they end, and merges them when the run does.

A cell costs the same however many came before it, and is kept or not at all, wherever the writing was cut off.
"""

import fcntl
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import polars as pl

from bench.errors import UserError
from bench.record import journal, merged, stored
from bench.record.journal import Begun, Journal, Saved
from bench.record.layout import CELLS, MERGED, PAGE, REPORT, RUN, SUMMARY, replace_file, unfinished, unwritable
from bench.record.rows import KEY, POOL_COLUMNS, REQUEST_COLUMNS, Key
from bench.record.schema import Cell, Event, Run
from bench.record.stored import Stored
from bench.record.summary import Summary, as_json

_ELSEWHERE: Final = "name another directory with --out"
_GO_ON: Final = "put that right and go on with --resume"


class Store:
    """A directory that takes one run, cell by cell, and is locked meanwhile.

    `stored` is what an interrupted run left there, when it is resumed, and else None. At the end of the `with` block
    what was kept is merged; a directory that was made here and took nothing is taken away again.

    Raises UserError if something lies in `directory`, or with `resume` if no run does; if another run writes to it; or
    if it cannot be written.
    """

    def __init__(self, directory: Path | str, *, resume: bool = False) -> None:
        self.directory = Path(directory)
        self.stored: Stored | None = None
        self._begun = False
        self._on_top = False
        self._kept: tuple[Cell, ...] = ()
        self._replaced: tuple[Cell, ...] = ()
        self._unmerged = False
        try:
            self._made, self._lock = _locked(self.directory, make=not resume)
        except OSError as error:
            raise unwritable(self.directory, error, _ELSEWHERE) from None
        try:
            self._prepare(resume)
        except OSError as error:
            self._leave()
            raise unwritable(self.directory, error, _ELSEWHERE) from None
        except BaseException:
            self._leave()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.merge()
        except UserError:
            if error is None:  # else that is what has to be said; what is kept can be read all the same
                raise
        finally:
            self._leave()

    def save_cell(
        self,
        run: Run,
        cell: Cell,
        requests: pl.DataFrame | None,
        samples: pl.DataFrame | None,
        events: Iterable[Event] = (),
    ) -> None:
        """Keep a cell that has just ended, and the run with it. The frames hold its rows; None is no rows.

        A cell that was run again takes the place of what was kept of it. Raises UserError if the disk is
        full, and ValueError if a row is another cell's.
        """
        rows = _of_cell(requests, REQUEST_COLUMNS, cell.key), _of_cell(samples, POOL_COLUMNS, cell.key)
        grew = run.cells == (*self._kept, cell)  # the rule: no cell is dropped, and none is played again
        has = frozenset() if grew else {each.key for each in run.cells}
        saved = Saved(
            cell=cell,
            requests=None,
            samples=None,
            events=tuple(events),
            dropped=() if grew else tuple(each.key for each in self._kept if each.key not in has),
            replaced=run.replaced[len(self._replaced) :],
            took_s=run.took_s,
            checks_s=run.checks_s,
        )
        try:
            if not self._begun:
                self._begin(run)
            self._journal.save(saved, *rows)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise unwritable(self.directory, error, _GO_ON) from error
        self._unmerged = True
        kept = self._kept if grew else tuple(each for each in self._kept if each.key in has and each.key != cell.key)
        self._kept, self._replaced = (*kept, cell), run.replaced

    def merge(self, run: Run | None = None) -> None:
        """Merge what was kept, with what is said of the run as a whole where it has ended. Raises UserError."""
        if run is None and not self._unmerged:
            return
        try:
            found = stored.load(self.directory)
            if run is not None:
                has = {cell.key for cell in run.cells}
                found = replace(found, run=replace(run, cells=tuple(c for c in found.run.cells if c.key in has)))
            stored.merge(self.directory, found)
        except OSError as error:
            raise unwritable(self.directory, error, _GO_ON) from error
        self._unmerged, self._on_top, self._begun = False, True, False
        self._journal = Journal(self.directory)

    def save_summary(self, summary: Summary) -> None:
        """Save `summary.json`."""
        self._write(SUMMARY, as_json(summary))

    def save_report(self, text: str) -> None:
        """Save `report.md`."""
        self._write(REPORT, text)

    def save_page(self, text: str) -> None:
        """Save `report.html`."""
        self._write(PAGE, text)

    def _begin(self, run: Run) -> None:
        self._journal.begin(Begun(run=replace(run, cells=(), replaced=()), on_top=self._on_top))
        self._begun = True

    def _prepare(self, resume: bool) -> None:
        merged.finish(self.directory)
        for name in (*MERGED, SUMMARY, REPORT, PAGE):
            unfinished(self.directory / name).unlink(missing_ok=True)
        kept = journal.read(self.directory)
        began_nothing = (kept is None and (self.directory / CELLS).is_dir()) or (
            kept is not None and not kept.saved and not kept.begun.on_top
        )
        if began_nothing:
            journal.clear(self.directory)
            kept = None
        if resume and not (began_nothing and not any(self.directory.iterdir())):
            self.stored = stored.load(self.directory)
            self._on_top = kept.begun.on_top if kept else True
            self._unmerged = kept is not None
            self._kept, self._replaced = self.stored.run.cells, self.stored.run.replaced
        elif any(self.directory.iterdir()):
            raise UserError(f"{self.directory} is not empty: {_ELSEWHERE}, or add --resume to go on with the run in it")
        probe = unfinished(self.directory / RUN)
        probe.touch()
        probe.unlink()
        self._journal = Journal(self.directory)

    def _write(self, name: str, text: str) -> None:
        try:
            replace_file(self.directory / name, text.encode())
        except OSError as error:
            raise unwritable(self.directory, error, _GO_ON) from error

    def _leave(self) -> None:
        """Let go of the directory, which goes if it was made here and nothing was kept in it."""
        if self._made:
            with suppress(OSError):  # not empty
                self.directory.rmdir()
        os.close(self._lock)


def _locked(directory: Path, *, make: bool) -> tuple[bool, int]:
    """Whether the directory was made, and a descriptor that holds its lock: the kernel lets go of it when we end.

    Raises OSError, and UserError where there is none or another run has it.
    """
    while True:
        made = make and not directory.exists()
        if make:
            directory.mkdir(parents=True, exist_ok=True)
        try:
            lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            if make:
                raise
            merged.load_run(directory)  # says that there is none
            raise
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock), directory.stat()):
                return made, lock
        except BlockingIOError:
            os.close(lock)
            raise UserError(f"another run writes to {directory}: wait until it has ended, or {_ELSEWHERE}") from None
        except FileNotFoundError:
            pass  # another run had made it, and has just taken it away again
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)


def _of_cell(frame: pl.DataFrame | None, columns: Mapping[str, str], key: Key) -> pl.DataFrame | None:
    """The frame with the columns and types of its file. Raises ValueError for a row of another cell."""
    if frame is None:
        return None
    frame = frame.select(pl.col(name).cast(kind) for name, kind in merged.schema_of(columns).items())
    found = frame.select(KEY).unique().rows()
    if any(row != key for row in found):
        raise ValueError(f"rows of {found} where those of {key} should be")
    return frame
