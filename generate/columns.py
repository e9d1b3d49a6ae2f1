"""The data dictionary in results/README.md, from what the Parquet files say of themselves."""

from collections.abc import Mapping
from typing import Final

from bench.record.dictionary import KEY, TABLES, Column
from generate.markdown import table

HEAD: Final = ("column", "kind", "unit", "what it is", "null", "values")
FILES: Final = {
    "requests": "`requests.parquet`, `requests.csv`",
    "pool": "`pool.parquet`, `pool.csv`",
    "events": "`events.jsonl`, `events.csv`",
    "cells": "`cells.csv`",
}


def tables() -> dict[str, str]:
    """Part of the page → a table for the cell's key, and one for the other columns of each of a run's tables."""
    parts = [f"### In every file\n\nWhich cell a row belongs to.\n\n{_table(KEY)}"]
    for name, each in TABLES.items():
        own = {column: what for column, what in each.columns.items() if column not in KEY}
        parts.append(f"### {FILES[name]}\n\nA row is {each.row}.\n\n{_table(own)}")
    return {"columns": "\n\n".join(parts)}


def _table(columns: Mapping[str, Column]) -> str:
    return table(HEAD, (_row(name, column) for name, column in columns.items()))


def _row(name: str, column: Column) -> tuple[str, ...]:
    return (f"`{name}`", column.kind, column.unit or "–", column.text, column.null or "never", column.values or "any")
