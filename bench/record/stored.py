"""A stored run as it is read back: what is said of it, and the rows of its cells, one cell after another."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import polars as pl

from bench.record import journal, merged
from bench.record.columns import CellRows, by_cell
from bench.record.journal import Kept, RowsFile
from bench.record.layout import CELLS, damaged
from bench.record.rows import KEY, POOL_COLUMNS, REQUEST_COLUMNS, Key
from bench.record.schema import Event, Run

_AT_ONCE: Final = 250_000
"""Rows that are read at once; 4.8 million in one frame took 2.2 GB."""


@dataclass(frozen=True)
class Rows:
    """Where the rows of some cells lie, those of each together."""

    keys: frozenset[Key]
    """The cells that are read from here; other rows are skipped."""
    requests: pl.LazyFrame
    samples: pl.LazyFrame
    directory: Path | None = None
    """Where the files are; None where there are none."""

    def whole(self, frame: pl.LazyFrame) -> pl.DataFrame:
        """All of a frame at once. Raises UserError where it cannot be read."""
        try:
            return frame.collect()
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            if self.directory is None:
                raise
            raise damaged(self.directory, error) from None

    def groups(self, frame: pl.LazyFrame) -> Iterator[tuple[Key, pl.DataFrame]]:
        """The rows of each cell; of no more cells at once than needed. Raises UserError where they cannot be read."""
        from_row, at_once = 0, _AT_ONCE
        while True:
            batch = self.whole(frame.slice(from_row, at_once))
            cells = list(by_cell(batch).items())
            if batch.height == at_once:
                cells.pop()  # it may go on behind the batch
            yield from ((key, rows) for key, rows in cells if key in self.keys)
            if batch.height < at_once:
                return
            from_row += sum(rows.height for _, rows in cells)
            at_once = _AT_ONCE if cells else at_once * 2


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A run and its samples."""

    run: Run
    events: tuple[Event, ...]
    """Those of its cells."""
    places: tuple[Rows, ...]
    """Each cell's rows are in one of them at most."""

    @classmethod
    def of(cls, run: Run, requests: pl.DataFrame, samples: pl.DataFrame, events: Iterable[Event]) -> Self:
        """A run whose rows are there already."""
        keys = frozenset(cell.key for cell in run.cells)
        return cls(run=run, events=tuple(events), places=(Rows(keys, requests.lazy(), samples.lazy()),))

    def rows(self, keys: Collection[Key] | None = None) -> Iterator[CellRows]:
        """Every cell of the run, or those of `keys`, once, in no certain order: no more than some hundred thousand rows
        are read at once. Raises UserError for what cannot be read."""
        cells = {cell.key: cell for cell in self.run.cells if keys is None or cell.key in keys}
        happened = dict[Key, list[Event]]()
        for event in self.events:
            happened.setdefault(event.key, []).append(event)
        no_requests = pl.DataFrame(schema=merged.schema_of(REQUEST_COLUMNS))
        no_samples = pl.DataFrame(schema=merged.schema_of(POOL_COLUMNS))
        for place in self.places:
            frames = place.requests, place.samples
            if keys is not None:
                frames = _kept(frames[0], place.keys & cells.keys()), _kept(frames[1], place.keys & cells.keys())
            samples = dict(place.groups(frames[1]))
            for key, requests in place.groups(frames[0]):
                if cell := cells.pop(key, None):
                    yield CellRows(cell, requests, samples.get(key, no_samples), tuple(happened.get(key, ())))
            for key, frame in samples.items():  # of cells that sent no request
                if cell := cells.pop(key, None):
                    yield CellRows(cell, no_requests, frame, tuple(happened.get(key, ())))
        for key, cell in cells.items():
            yield CellRows(cell, no_requests, no_samples, tuple(happened.get(key, ())))

    @property
    def size(self) -> int:
        """How many requests there are. Raises UserError where they cannot be read."""
        return sum(int(place.whole(place.requests.select(pl.len())).item()) for place in self.places)

    def frames(self) -> tuple[pl.LazyFrame, pl.LazyFrame]:
        """The requests and the samples of all its cells; they are read when a caller collects or sinks them."""
        keys = {cell.key for cell in self.run.cells}
        return (
            pl.concat([_kept(place.requests, place.keys & keys) for place in self.places]),
            pl.concat([_kept(place.samples, place.keys & keys) for place in self.places]),
        )

    @cached_property
    def requests(self) -> pl.DataFrame:
        """Those of all cells in one frame; a large run does not fit."""
        return pl.concat([place.whole(_kept(place.requests, place.keys)) for place in self.places])

    @cached_property
    def samples(self) -> pl.DataFrame:
        """Those of all cells in one frame."""
        return pl.concat([place.whole(_kept(place.samples, place.keys)) for place in self.places])


def load(directory: Path | str) -> Stored:
    """Read a run, whether it has ended or not.

    Raises UserError if there is none, one that this version of the bench cannot read, or one that is damaged.
    """
    directory = Path(directory)
    try:
        kept = None if merged.is_pending(directory) else journal.read(directory)
        if kept is None:
            return _merged(directory)
        return _journalled(directory, kept)
    except OSError as error:
        raise damaged(directory, error) from None


def merge(directory: Path, stored: Stored) -> None:
    """Put a run that was read from a directory into its merged files. Raises OSError."""
    try:
        keys = {cell.key for cell in stored.run.cells}
        merged.merge(directory, stored.run, *stored.frames(), _of(stored.events, keys))
    except pl.exceptions.PolarsError as error:  # what a full disk is to it
        raise OSError(None, next(iter(str(error).splitlines()), "")) from error


def _merged(directory: Path) -> Stored:
    run = merged.load_run(directory)
    merged.verify(directory)
    keys = frozenset(cell.key for cell in run.cells)
    place = Rows(keys, merged.scan_requests(directory), merged.scan_samples(directory), directory)
    return Stored(run=run, events=_of(merged.load_events(directory), keys), places=(place,))


def _journalled(directory: Path, kept: Kept) -> Stored:
    """The merged record below, without what became of its cells since, and the journal's own."""
    run = kept.run
    keys = frozenset(kept.saved)
    place = Rows(
        keys,
        _scan(directory, (line.requests for line in kept.saved.values()), REQUEST_COLUMNS),
        _scan(directory, (line.samples for line in kept.saved.values()), POOL_COLUMNS),
        directory,
    )
    events = tuple(event for line in kept.saved.values() for event in line.events)
    if not kept.begun.on_top:
        return Stored(run=run, events=events, places=(place,))
    below = _merged(directory)
    cells = tuple(cell for cell in below.run.cells if cell.key not in kept.dropped)
    left = frozenset(cell.key for cell in cells)
    run = replace(run, cells=(*cells, *run.cells), replaced=(*below.run.replaced, *run.replaced))
    places = tuple(replace(each, keys=each.keys & left) for each in below.places)
    return Stored(run=run, events=(*_of(below.events, left), *events), places=(*places, place))


def _scan(directory: Path, files: Iterable[RowsFile | None], columns: Mapping[str, str]) -> pl.LazyFrame:
    """The rows of those files, each of which is what was written."""
    schema, paths = merged.schema_of(columns), []
    for file in files:
        if file is not None:
            path = directory / CELLS / file.name
            merged.verify_file(path, file.sha256)
            paths.append(path)
    return pl.scan_parquet(paths, schema=schema) if paths else pl.LazyFrame(schema=schema)


def _kept(frame: pl.LazyFrame, keys: Collection[Key]) -> pl.LazyFrame:
    """Without the rows of other cells."""
    schema = {name: kind for name, kind in merged.schema_of(REQUEST_COLUMNS).items() if name in KEY}
    those = pl.LazyFrame(list(keys), schema=schema, orient="row")
    return frame.join(those, on=KEY, how="semi", maintain_order="left")


def _of(events: Iterable[Event], keys: Collection[Key]) -> tuple[Event, ...]:
    return tuple(event for event in events if event.key in keys)
