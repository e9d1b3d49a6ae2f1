"""The record of a run that has ended: four files and their checksums, made beside the old ones and moved in place.

From the moment at which all of the new ones are whole they are the record, wherever the moving was cut off.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import polars as pl
from pydantic import TypeAdapter

from bench.errors import UserError
from bench.record import dictionary, journal, upgrade
from bench.record.columns import TYPES
from bench.record.layout import (
    CHECKSUMS,
    EVENTS,
    MERGED,
    MERGING,
    POOL,
    REQUESTS,
    RUN,
    checksum,
    damaged,
    runs_in,
    unfinished,
)
from bench.record.rows import POOL_COLUMNS, REQUEST_COLUMNS
from bench.record.schema import Event, Run

_RUN: Final = TypeAdapter(Run)
_EVENT: Final = TypeAdapter(Event)


def merge(directory: Path, run: Run, requests: pl.LazyFrame, samples: pl.LazyFrame, events: Iterable[Event]) -> None:
    """Put a run in place of what lies in the directory, merged or in cells. Raises OSError, and PolarsError."""
    new = directory / MERGING
    _remove(new)
    new.mkdir()
    requests.sink_parquet(new / REQUESTS, compression="zstd", metadata=dictionary.REQUESTS.metadata())
    samples.sink_parquet(new / POOL, compression="zstd", metadata=dictionary.POOL.metadata())
    with (new / EVENTS).open("wb") as lines:
        lines.writelines(_EVENT.dump_json(event) + b"\n" for event in events)
    (new / RUN).write_bytes(_RUN.dump_json(run, indent=2) + b"\n")
    sums = "".join(f"{checksum(new / name)}  {name}\n" for name in MERGED)
    unfinished(new / CHECKSUMS).write_text(sums)
    for name in (*MERGED, unfinished(Path(CHECKSUMS)).name):
        _reach_the_disk(new / name)
    unfinished(new / CHECKSUMS).rename(new / CHECKSUMS)
    finish(directory)


def is_pending(directory: Path) -> bool:
    """Whether the new files are the record, and some are not yet in place."""
    return (directory / MERGING / CHECKSUMS).exists()


def finish(directory: Path) -> None:
    """Move new files in place, as far as they are not; nothing happens where there are none. Raises OSError."""
    new = directory / MERGING
    if is_pending(directory):
        journal.clear(directory)
        for name in (*MERGED, CHECKSUMS):  # the checksums last: until then the new files are looked for here
            if (new / name).exists():
                (new / name).replace(directory / name)
    _remove(new)


def load_run(directory: Path) -> Run:
    """`run.json`. Raises UserError where there is none, or one that cannot be read."""
    path = found(directory, RUN)
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise _no_run(directory) from None
    except OSError as error:
        raise damaged(path, error) from None
    try:
        record = json.loads(content)
        schema = record["schema"]
        if schema in upgrade.READABLE:
            return _RUN.validate_python(upgrade.run(record))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged(path, error) from None
    least, most = min(upgrade.READABLE), max(upgrade.READABLE)
    raise UserError(f"{path} has schema {schema}, and this bench reads {least} to {most}: use the bench that wrote it")


def _no_run(directory: Path) -> UserError:
    if runs := runs_in(directory):
        count = f"{len(runs)} runs" if len(runs) > 1 else "a run"
        index = f"`bench report {directory} --format html` makes a page that links them"
        return UserError(f"{directory} is a folder with {count}: name one, as {runs[0]}; {index}")
    return UserError(f"no run in {directory}: `bench run --out {directory}` makes one")


def scan_requests(directory: Path) -> pl.LazyFrame:
    """`requests.parquet`: `REQUEST_COLUMNS`. Raises UserError where it cannot be read."""
    return _scan(found(directory, REQUESTS), REQUEST_COLUMNS)


def scan_samples(directory: Path) -> pl.LazyFrame:
    """`pool.parquet`: `POOL_COLUMNS`. Raises UserError where it cannot be read."""
    return _scan(found(directory, POOL), POOL_COLUMNS)


def load_events(directory: Path) -> tuple[Event, ...]:
    """`events.jsonl`. Raises UserError where it cannot be read."""
    path = found(directory, EVENTS)
    try:
        lines = path.read_bytes().splitlines()
        return tuple(_EVENT.validate_python(upgrade.event(json.loads(line))) for line in lines)
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, error) from None


def verify(directory: Path) -> None:
    """Compare the files with their checksums, where there are any: older records have none.

    Raises UserError for a file that is missing, or not what was written.
    """
    path = found(directory, CHECKSUMS)
    try:
        said = dict(_sums(path.read_text()))
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise damaged(path, error) from None
    if set(said) != set(MERGED):
        raise damaged(path, f"it should name {', '.join(MERGED)}")
    for name, was in said.items():
        verify_file(found(directory, name), was)


def verify_file(path: Path, was: str) -> None:
    """Compare a file with its checksum. Raises UserError where it is missing, or not what was written."""
    try:
        now = checksum(path)
    except OSError as error:
        raise damaged(path, error) from None
    if now != was:
        raise damaged(path, "it is not what was written: its checksum is another")


def found(directory: Path, name: str) -> Path:
    """Where a file of the record lies."""
    new = directory / MERGING
    return new / name if is_pending(directory) and (new / name).exists() else directory / name


def schema_of(columns: Mapping[str, str]) -> dict[str, pl.DataType]:
    """The types of a file's columns."""
    return {name: TYPES[kind] for name, kind in columns.items()}


def _scan(path: Path, columns: Mapping[str, str]) -> pl.LazyFrame:
    try:
        frame = upgrade.frame(pl.scan_parquet(path))
        frame = frame.select(pl.col(name).cast(kind) for name, kind in schema_of(columns).items())
        frame.collect_schema()
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise damaged(path, error) from None
    return frame


def _remove(new: Path) -> None:
    """Remove what a merge leaves when it is cut off, and nothing else."""
    for name in (*MERGED, CHECKSUMS, unfinished(Path(CHECKSUMS)).name):
        (new / name).unlink(missing_ok=True)
    with suppress(OSError):  # not there, or something else lies in it
        new.rmdir()


def _sums(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        was, _, name = line.partition("  ")
        yield name, was


def _reach_the_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
