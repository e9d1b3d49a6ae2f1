"""The one reader and writer of a results directory.

It holds `run.json`, `requests.parquet`, `pool.parquet` and `events.jsonl`, from which the same values are read again,
and `summary.json` and `report.md`, which are made from these.

Each file is replaced as a whole, and `run.json` last: what it does not name was never saved. So an
interrupted run is read as its finished cells, wherever it was cut off.
"""

import io
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Final

import polars as pl
from pydantic import TypeAdapter, ValidationError

from bench.errors import UserError
from bench.record import upgrade
from bench.record.columns import TYPES, by_cell
from bench.record.rows import KEY, POOL_COLUMNS, REQUEST_COLUMNS, Key
from bench.record.schema import Cell, Event, Run
from bench.record.summary import Summary, as_json

RUN: Final = "run.json"
REQUESTS: Final = "requests.parquet"
POOL: Final = "pool.parquet"
EVENTS: Final = "events.jsonl"
SUMMARY: Final = "summary.json"
REPORT: Final = "report.md"

_RUN = TypeAdapter(Run)
_EVENT = TypeAdapter(Event)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A run with its samples: `REQUEST_COLUMNS`, `POOL_COLUMNS`, and what happened."""

    run: Run
    requests: pl.DataFrame
    samples: pl.DataFrame
    events: tuple[Event, ...]


def load(directory: Path | str) -> Stored:
    """Read a run. Raises UserError if there is none, or one that this version of the bench cannot read."""
    directory = Path(directory)
    run = _load_run(directory / RUN)
    saved = {cell.key for cell in run.cells}
    return Stored(
        run=run,
        requests=_load_frame(directory / REQUESTS, REQUEST_COLUMNS, saved),
        samples=_load_frame(directory / POOL, POOL_COLUMNS, saved),
        events=_load_events(directory / EVENTS, saved),
    )


class Store:
    """A directory that takes one run, cell by cell.

    `stored` is what an interrupted run left there, when it is resumed, and else None.

    Raises UserError if something lies in `directory`, or with `resume` if no run does; or if it cannot be
    written.
    """

    def __init__(self, directory: Path | str, *, resume: bool = False) -> None:
        self.directory = Path(directory)
        self.stored: Stored | None = None
        self._saved: tuple[Cell, ...] = ()
        self._requests: dict[Key, pl.DataFrame] = {}
        self._samples: dict[Key, pl.DataFrame] = {}
        self._events: dict[Key, tuple[Event, ...]] = {}
        self._prepare(resume)

    def save_cell(
        self,
        run: Run,
        cell: Cell,
        requests: pl.DataFrame | None,
        samples: pl.DataFrame | None,
        events: Iterable[Event] = (),
    ) -> None:
        """Save a cell that has just ended, and the run with it. The frames hold its rows; None is no rows.

        A cell that was run again takes the place of what was saved of it. Raises UserError if the disk is
        full, and ValueError if a row is another cell's.
        """
        key, others = cell.key, tuple(other for other in run.cells if other.key != cell.key)
        run = replace(run, cells=(*others, cell))
        self._requests[key] = _of_cell(requests, REQUEST_COLUMNS, key)
        self._samples[key] = _of_cell(samples, POOL_COLUMNS, key)
        self._events[key] = tuple(events)
        if any(saved.key == key for saved in self._saved):
            # Never the old record over the new rows, whenever this is cut off.
            self.save_run(replace(run, cells=others))
        self._replace(
            {
                REQUESTS: _parquet(self._requests, run.cells, REQUEST_COLUMNS),
                POOL: _parquet(self._samples, run.cells, POOL_COLUMNS),
                EVENTS: _lines(self._events, run.cells),
                RUN: _RUN.dump_json(run, indent=2) + b"\n",
            }
        )
        self._saved = run.cells

    def save_run(self, run: Run) -> None:
        """Save what is said of the run as a whole; its cells have been saved before."""
        self._replace({RUN: _RUN.dump_json(run, indent=2) + b"\n"})
        self._saved = run.cells

    def save_summary(self, summary: Summary) -> None:
        """Save `summary.json`."""
        self._replace({SUMMARY: as_json(summary).encode()})

    def save_report(self, text: str) -> None:
        """Save `report.md`."""
        self._replace({REPORT: text.encode()})

    def leave(self) -> None:
        """Take the directory away again if it was made here and nothing was kept in it."""
        if self._made:
            with suppress(OSError):  # not empty
                self.directory.rmdir()

    def _prepare(self, resume: bool) -> None:
        if resume:
            self._take_up(load(self.directory))
        self._made = not self.directory.exists()
        probe = _unfinished(self.directory / RUN)
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            probe.unlink(missing_ok=True)
            if not resume and any(self.directory.iterdir()):
                raise UserError(
                    f"{self.directory} is not empty: name another directory with --out, "
                    "or add --resume to go on with the run in it"
                )
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise UserError(
                f"cannot write to {self.directory} ({error.strerror}): name another directory with --out"
            ) from None

    def _take_up(self, stored: Stored) -> None:
        self.stored = stored
        self._saved = stored.run.cells
        self._requests = by_cell(stored.requests)
        self._samples = by_cell(stored.samples)
        for event in stored.events:
            self._events[event.key] = (*self._events.get(event.key, ()), event)

    def _replace(self, files: Mapping[str, bytes]) -> None:
        """Put the contents in place of the files, in this order, once all are on the disk."""
        try:
            for name, content in files.items():
                _unfinished(self.directory / name).write_bytes(content)
            for name in files:
                _unfinished(self.directory / name).replace(self.directory / name)
        except OSError as error:
            raise UserError(
                f"cannot write to {self.directory} ({error.strerror}): put that right and go on with --resume"
            ) from error


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}.unfinished")


def _schema(columns: Mapping[str, str]) -> dict[str, pl.DataType]:
    return {name: TYPES[kind] for name, kind in columns.items()}


def _of_cell(frame: pl.DataFrame | None, columns: Mapping[str, str], key: Key) -> pl.DataFrame:
    """The frame with the columns and types of its file. Raises ValueError for a row of another cell."""
    if frame is None:
        return pl.DataFrame(schema=_schema(columns))
    frame = frame.select(pl.col(name).cast(kind) for name, kind in _schema(columns).items())
    found = frame.select(KEY).unique().rows()
    if any(row != key for row in found):
        raise ValueError(f"rows of {found} where those of {key} should be")
    return frame


def _parquet(frames: Mapping[Key, pl.DataFrame], cells: Sequence[Cell], columns: Mapping[str, str]) -> bytes:
    empty = pl.DataFrame(schema=_schema(columns))
    whole = pl.concat([empty, *(frames[cell.key] for cell in cells if cell.key in frames)])
    file = io.BytesIO()
    whole.write_parquet(file, compression="zstd")
    return file.getvalue()


def _lines(events: Mapping[Key, Iterable[Event]], cells: Sequence[Cell]) -> bytes:
    every = chain.from_iterable(events.get(cell.key, ()) for cell in cells)
    return b"".join(_EVENT.dump_json(event) + b"\n" for event in every)


def _load_run(path: Path) -> Run:
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"no run in {path.parent}: `bench run --out {path.parent}` makes one") from None
    try:
        record = json.loads(content)
        schema = record["schema"]
        if schema in upgrade.READABLE:
            return _RUN.validate_python(upgrade.run(record))
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from None
    least, most = min(upgrade.READABLE), max(upgrade.READABLE)
    raise UserError(f"{path} has schema {schema}, and this bench reads {least} to {most}: use the bench that wrote it")


def _load_frame(path: Path, columns: Mapping[str, str], saved: Collection[Key]) -> pl.DataFrame:
    schema = _schema(columns)
    kept = pl.DataFrame(list(saved), schema={name: schema[name] for name in KEY}, orient="row")
    try:
        frame = upgrade.frame(pl.read_parquet(path)).select(pl.col(name).cast(kind) for name, kind in schema.items())
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _damaged(path, error) from None
    return frame.join(kept, on=KEY, how="semi", maintain_order="left")


def _load_events(path: Path, saved: Collection[Key]) -> tuple[Event, ...]:
    try:
        events = [_EVENT.validate_python(upgrade.event(json.loads(line))) for line in path.read_bytes().splitlines()]
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from None
    return tuple(event for event in events if event.key in saved)


def _damaged(path: Path, error: Exception) -> UserError:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    else:
        why = next(iter(str(error).splitlines()), type(error).__name__)
    return UserError(f"{path} cannot be read ({why}): restore it, or run again with another --out")
