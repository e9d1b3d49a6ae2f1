"""Runs of an older schema, read as if this version had written them."""

from typing import Any, Final

import polars as pl

from bench.record.schema import SCHEMA

READABLE: Final = range(1, SCHEMA + 1)
"""The schemas that can be read."""
_CELL: Final = {"block": "repetition", "patience_s": "acquire_timeout_s"}
"""Schema 1 → 2: one play of everything is called a repetition, and what ends a wait the acquire timeout."""


def run(record: dict[str, Any]) -> dict[str, Any]:
    """The object in `run.json`, changed in place."""
    if record["schema"] == 1:
        for cell in (*record.get("cells", ()), *record.get("replaced", ())):
            _renamed(cell)
        if record.get("sampler_effect"):
            _renamed(record["sampler_effect"])
        record["schema"] = SCHEMA
    return record


def event(record: dict[str, Any]) -> dict[str, Any]:
    """A line of `events.jsonl`."""
    return _renamed(record)


def frame(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The rows of a Parquet file."""
    return rows.rename(_CELL, strict=False)


def _renamed(record: dict[str, Any]) -> dict[str, Any]:
    for old, new in _CELL.items():
        if old in record:
            record[new] = record.pop(old)
    return record
