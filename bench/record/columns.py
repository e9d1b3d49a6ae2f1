"""What a cell measured, in the columns that the store keeps: converted here once, from files and rows.

Without the cell's key: `keyed` puts it in front.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

from bench.record.rows import KEY, POOL_COLUMNS, Key, Row
from bench.record.schema import Cell, Event
from services.workload.loads import Share
from services.workload.samples import ROW, SampleError

TYPES: Final[dict[str, pl.DataType]] = {"str": pl.String(), "int": pl.Int64(), "float": pl.Float64()}
_ROWS_AT_ONCE: Final = 65_536
_SECONDS: Final = ("planned", "sent", "finished")
_MILLISECONDS: Final = ("acquire", "work", "release", "app")
_PACKED: Final[dict[str, pl.DataType]] = {
    **dict.fromkeys(("n", "user", "path", "status", "error"), pl.Int64()),
    **dict.fromkeys((*_SECONDS, *_MILLISECONDS), pl.Float64()),
}
"""The fields of `ROW`."""


class CellRows(NamedTuple):
    """One cell with what it measured: `REQUEST_COLUMNS`, `POOL_COLUMNS`, and its events."""

    cell: Cell
    requests: pl.DataFrame
    samples: pl.DataFrame
    events: tuple[Event, ...]


def read_requests(file: Path, mix: Sequence[Share]) -> pl.DataFrame:
    """The requests that a player has written, in order of sending: `REQUEST_COLUMNS`, whole microseconds, null for
    what there is not. A row that was cut off by the death of its writer is left out."""
    paths = {number: share.path for number, share in enumerate(mix)}
    errors = {error.value: error.name for error in SampleError}
    return _packed(file).select(
        "n",
        "user",
        pl.col("path").replace_strict(paths, return_dtype=pl.String),
        *(_microseconds(name, 1e6) for name in _SECONDS),
        "status",
        pl.col("error").replace_strict(errors, return_dtype=pl.String),
        *(_microseconds(name, 1e3) for name in _MILLISECONDS),
    )


def pool_frame(rows: Sequence[Row]) -> pl.DataFrame:
    """Samples of the pool: `POOL_COLUMNS`."""
    schema = {name: TYPES[kind] for name, kind in POOL_COLUMNS.items() if name not in KEY}
    return pl.DataFrame(rows, schema=schema, orient="row")


def by_cell(frame: pl.DataFrame) -> dict[Key, pl.DataFrame]:
    """The rows of each cell, in their order."""
    parts = frame.partition_by(KEY, as_dict=True, maintain_order=True)
    return {(str(key[0]), str(key[1]), int(key[2])): part for key, part in parts.items()}


def keyed(cell: Cell, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the cell's key in every row."""
    key = (pl.lit(value).alias(name).cast(kind) for name, value, kind in zip(KEY, cell.key, _KEY_TYPES, strict=True))
    return frame.select(*key, pl.all())


_KEY_TYPES: Final = (pl.String, pl.String, pl.Int64)


def _packed(file: Path) -> pl.DataFrame:
    frames = [pl.DataFrame(schema=_PACKED)]
    with file.open("rb") as rows:
        while block := rows.read(_ROWS_AT_ONCE * ROW.size):
            whole = memoryview(block)[: len(block) // ROW.size * ROW.size]
            columns = list(zip(*ROW.iter_unpack(whole), strict=True))
            if columns:
                frames.append(pl.DataFrame(dict(zip(_PACKED, columns, strict=True)), schema=_PACKED))
    return pl.concat(frames).sort("n")


def _microseconds(name: str, factor: float) -> pl.Expr:
    return (pl.col(name).fill_nan(None) * factor).round().cast(pl.Int64).alias(f"{name}_us")
