"""The files of a results directory, and what is said when one of them cannot be read or written.

A run that is played has `cells/`: the rows of each cell in files of their own, and a journal that names them. When it
ends, they are merged into `run.json`, `requests.parquet`, `pool.parquet` and `events.jsonl`, with their checksums.
`summary.json` and `report.md` are made from these.
"""

import hashlib
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from bench.errors import UserError

RESULTS: Final = Path("results")
"""Where runs go, and where the newest is looked for, unless another directory is named."""
RUN: Final = "run.json"
REQUESTS: Final = "requests.parquet"
POOL: Final = "pool.parquet"
EVENTS: Final = "events.jsonl"
MERGED: Final = (REQUESTS, POOL, EVENTS, RUN)
"""The record of a run that has ended."""
CHECKSUMS: Final = "SHA256SUMS"
"""Theirs, as `sha256sum --check` reads them."""
SUMMARY: Final = "summary.json"
REPORT: Final = "report.md"
PAGE: Final = "report.html"

CELLS: Final = "cells"
JOURNAL: Final = "journal.jsonl"
MERGING: Final = ".merging"
"""Where the merged files are made; from the moment at which their checksums lie in it they are the record."""


def newest(results: Path = RESULTS) -> Path:
    """The run in a directory of runs whose record was written last. Raises UserError where there is none."""
    written = {
        file.stat().st_mtime_ns: directory
        for directory in sorted(results.glob("*/"), reverse=True)
        for file in (directory / RUN, directory / CELLS / JOURNAL)
        if file.is_file()
    }
    if not written:
        raise UserError(f"no run in {results}/: `bench run` makes one; or name the directory of another")
    return written[max(written)]


def runs_in(directory: Path) -> tuple[Path, ...]:
    """The folders of runs below a folder, by name."""
    return tuple(sorted(run for run in directory.glob("*/") if (run / RUN).exists() or (run / CELLS).exists()))


def unfinished(path: Path) -> Path:
    """Where a file is written before it takes its place."""
    return path.with_name(f".{path.name}.unfinished")


def replace_file(path: Path, content: bytes) -> None:
    """Put the content in place of the file, as a whole or not at all. Raises OSError."""
    unfinished(path).write_bytes(content)
    unfinished(path).replace(path)


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def damaged(path: Path, error: BaseException | str) -> UserError:
    """That a file of a record is not what was written."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    else:
        why = _said(error)
    return UserError(f"{path} cannot be read ({why}): restore it, or run again with another --out")


def unwritable(directory: Path, error: Exception, do: str) -> UserError:
    """That a directory does not take what is to be kept in it."""
    return UserError(f"cannot write to {directory} ({_said(error)}): {do}")


def _said(error: BaseException | str) -> str:
    """What an error says in one line; those of polars have no `strerror`."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return next(iter(str(error).splitlines()), type(error).__name__)
