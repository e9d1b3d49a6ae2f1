"""One row per request, packed: what the generator writes while it plays and the bench reads after.

In: in the child, what happened to a request; in the parent, the file. Out: a data frame in order of sending.
The file is rows of `ROW` and nothing else; a row that was cut off by the death of the writer is left out.
"""

from __future__ import annotations

import json
import math
import struct
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

NAN = math.nan
# n, user, path, status, error, then the seven times. 72 bytes.
ROW = struct.Struct("<IIHHB3x7d")
_CHUNK_ROWS = 65_536
_PLANNED_TO_FINISHED = ("planned_s", "sent_s", "finished_s")
_TIMING_COLUMNS = ("acquire_ms", "work_ms", "release_ms", "app_ms")


class SampleError(IntEnum):
    """What went wrong with a request: said by the service (1 to 3) or met by the client."""

    none = 0
    pool_exhausted = 1
    pool_growing = 2
    database_unavailable = 3
    refused_connection = 4
    """Nobody listens."""
    reset = 5
    """The connection broke before the whole answer had come."""
    gave_up = 6
    """No answer within `Drive.give_up_s`."""
    other = 7
    """Any other failure, answered (a 4xx, a 500) or not (a name that does not resolve)."""


_SAID_BY_SERVICE = {
    error.name: error
    for error in (SampleError.pool_exhausted, SampleError.pool_growing, SampleError.database_unavailable)
}
_TIMINGS = {"acquire": 0, "work": 1, "release": 2, "app": 3}

Timing = tuple[float, float, float, float]
NO_TIMING: Timing = (NAN, NAN, NAN, NAN)


def server_timing(header: str | None) -> Timing:
    """acquire, work, release and app in ms out of a `Server-Timing` header; nan for what it does not say.

    >>> server_timing("acquire;dur=1.5, app;dur=12")
    (1.5, nan, nan, 12.0)
    """
    if not header:
        return NO_TIMING
    found = list(NO_TIMING)
    for metric in header.split(","):
        name, _, duration = metric.partition(";dur=")
        index = _TIMINGS.get(name.strip())
        if index is not None:
            try:
                found[index] = float(duration)
            except ValueError:
                continue
    return found[0], found[1], found[2], found[3]


def answer_error(status: int, body: bytes) -> SampleError:
    """none for a 2xx, else what `detail.error` of the body says; `other` where that is nothing known."""
    if 200 <= status < 300:
        return SampleError.none
    try:
        return _SAID_BY_SERVICE[json.loads(body)["detail"]["error"]]
    except (ValueError, KeyError, TypeError):
        return SampleError.other


class SampleWriter:
    """Appends rows to a file; `flush` at intervals keeps the memory flat however long the load."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._rows = bytearray()

    def add(
        self,
        *,
        n: int,
        user: int,
        path: int,
        planned_s: float,
        sent_s: float,
        finished_s: float,
        status: int,
        error: SampleError,
        timing: Timing,
    ) -> None:
        """One request that is over. Times in seconds from t0, `timing` in ms."""
        self._rows += ROW.pack(n, user, path, status, error, planned_s, sent_s, finished_s, *timing)

    def flush(self) -> None:
        """Hand the rows so far to the operating system."""
        rows, self._rows = self._rows, bytearray()
        self._file.write(rows)

    def close(self) -> None:
        self.flush()
        self._file.close()


def read_samples(path: Path) -> pl.DataFrame:
    """The samples in order of sending.

    Columns: `n` (order of sending, from 0), `user` (0 for open load, which has none), `path` (index into the
    mix), `planned_s` (nan for sequential and closed load: no plan), `sent_s`, `finished_s` (seconds from t0),
    `status` (0: no answer), `acquire_ms`, `work_ms`, `release_ms`, `app_ms` (the service's own figures; nan:
    not said), `error` (a name of `SampleError`).
    """
    import polars as pl

    schema = {
        "n": pl.UInt32,
        "user": pl.UInt32,
        "path": pl.UInt16,
        "status": pl.UInt16,
        "error": pl.UInt8,
        **dict.fromkeys((*_PLANNED_TO_FINISHED, *_TIMING_COLUMNS), pl.Float64),
    }
    frames = [pl.DataFrame(schema=schema)]
    with path.open("rb") as file:
        while block := file.read(_CHUNK_ROWS * ROW.size):
            whole = memoryview(block)[: len(block) // ROW.size * ROW.size]
            columns = list(zip(*ROW.iter_unpack(whole), strict=True))
            if columns:
                frames.append(pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema))
    names = pl.Enum([error.name for error in SampleError])
    order = ["n", "user", "path", *_PLANNED_TO_FINISHED, "status", *_TIMING_COLUMNS, "error"]
    return pl.concat(frames).sort("n").select(order).with_columns(pl.col("error").cat.to(names))
