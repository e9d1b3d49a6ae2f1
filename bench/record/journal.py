"""What a run that is played has kept so far: a line for each cell, written when its rows are on the disk.

A line costs the same however many came before it. Each begins with the checksum of what follows, so that a changed byte
is noticed; one without an end was cut off by the death of its writer, and counts for nothing.
"""

import hashlib
import io
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl
from pydantic import TypeAdapter

from bench.record.layout import CELLS, JOURNAL, damaged
from bench.record.rows import Key
from bench.record.schema import Cell, Event, Run


@dataclass(frozen=True, kw_only=True)
class Begun:
    """One sitting of a run: what is said of it as a whole, without its cells."""

    run: Run
    on_top: bool
    """Whether it goes on with the merged record that lies in the directory."""


@dataclass(frozen=True, kw_only=True)
class RowsFile:
    """A file in `cells/`."""

    name: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A cell that has ended, what became of earlier ones by then, and the seconds that the run took so far."""

    cell: Cell
    requests: RowsFile | None
    """None is no rows."""
    samples: RowsFile | None
    events: tuple[Event, ...]
    dropped: tuple[Key, ...]
    """Cells that the run no longer has."""
    replaced: tuple[Cell, ...]
    """Those among them that `Run.replaced` got."""
    took_s: float
    checks_s: float


_LINE: Final[TypeAdapter[Begun | Saved]] = TypeAdapter(Begun | Saved)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What a journal says: the run without what it is on top of, and the line of each of its own cells."""

    begun: Begun
    run: Run
    """Its cells are those of the journal, and `replaced` what was added by it."""
    dropped: frozenset[Key]
    """Cells that the run no longer has, or has played again."""
    saved: dict[Key, Saved]


class Journal:
    """Appends to the journal of a directory. Methods raise OSError."""

    def __init__(self, directory: Path) -> None:
        self._cells = directory / CELLS
        self._path = self._cells / JOURNAL
        self._end = 0
        self._lines = 0
        if self._path.exists():
            whole = _whole_lines(self._path.read_bytes())
            self._end, self._lines = sum(map(len, whole)), len(whole)

    def begin(self, begun: Begun) -> None:
        """Begin a sitting."""
        self._cells.mkdir(exist_ok=True)
        self._append(begun)

    def save(self, saved: Saved, requests: pl.DataFrame | None, samples: pl.DataFrame | None) -> None:
        """Keep a cell; its files are named here."""
        self._append(replace(saved, requests=self._keep(requests, "requests"), samples=self._keep(samples, "pool")))

    def _keep(self, frame: pl.DataFrame | None, kind: str) -> RowsFile | None:
        if frame is None or frame.is_empty():
            return None
        path = self._cells / f"{self._lines:05}.{kind}.parquet"
        content = io.BytesIO()
        frame.write_parquet(content, compression="zstd")
        path.write_bytes(content.getbuffer())
        return RowsFile(name=path.name, sha256=hashlib.sha256(content.getbuffer()).hexdigest())

    def _append(self, entry: Begun | Saved) -> None:
        text = _LINE.dump_json(entry)
        line = b"%08x %b\n" % (zlib.crc32(text), text)
        with self._path.open("ab") as file:
            file.truncate(self._end)  # of a line that was cut off, or for which the disk was too full
            file.write(line)
        self._end += len(line)
        self._lines += 1


def read(directory: Path) -> Kept | None:
    """What the journal of a directory keeps; None where there is none, or where it was cut off in its first line.

    Raises UserError where it is damaged.
    """
    path = directory / CELLS / JOURNAL
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise damaged(path, error) from None
    lines = _whole_lines(content)
    entries = [_entry(path, line) for line in lines]
    if _is_whole(content[sum(map(len, lines)) : -1]):
        raise damaged(path, "the end of its last line is not what was written")
    if not entries:
        return None
    if not isinstance(entries[0], Begun):
        raise damaged(path, "its first line is missing")
    return _folded(entries[0], entries)


def clear(directory: Path) -> None:
    """Remove what a journal and its cells are, and nothing else. Raises OSError."""
    cells = directory / CELLS
    for path in (cells / JOURNAL, *cells.glob("[0-9]*.parquet")):
        path.unlink(missing_ok=True)
    with suppress(OSError):  # something else lies there
        cells.rmdir()


def _folded(first: Begun, entries: Sequence[Begun | Saved]) -> Kept:
    run, saved, dropped = first.run, dict[Key, Saved](), set[Key]()
    replaced: list[Cell] = []
    took_s, checks_s = run.took_s, run.checks_s
    for entry in entries:
        if isinstance(entry, Begun):
            run = entry.run
            continue
        for key in (*entry.dropped, entry.cell.key):
            saved.pop(key, None)
            dropped.add(key)
        saved[entry.cell.key] = entry
        replaced += entry.replaced
        took_s, checks_s = entry.took_s, entry.checks_s
    cells = tuple(line.cell for line in saved.values())
    run = replace(run, cells=cells, replaced=tuple(replaced), took_s=took_s, checks_s=checks_s)
    return Kept(begun=first, run=run, dropped=frozenset(dropped), saved=saved)


def _whole_lines(content: bytes) -> list[bytes]:
    """Those that have an end, with it."""
    lines = content.split(b"\n")
    return [line + b"\n" for line in lines[:-1]]


def _is_whole(line: bytes) -> bool:
    said, _, text = line.partition(b" ")
    return said == b"%08x" % zlib.crc32(text)


def _entry(path: Path, line: bytes) -> Begun | Saved:
    if not _is_whole(line.removesuffix(b"\n")):
        raise damaged(path, "a line is not what was written")
    try:
        return _LINE.validate_json(line.partition(b" ")[2])
    except ValueError as error:
        raise damaged(path, error) from None
