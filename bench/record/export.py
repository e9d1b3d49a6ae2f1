"""A run as CSV files: the tables of its record, for whatever reads text."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import polars as pl

from bench.errors import UserError
from bench.metrics.model import Metrics
from bench.metrics.registry import METRICS
from bench.record import dictionary
from bench.record.columns import TYPES
from bench.record.dictionary import Table
from bench.record.layout import unfinished, unwritable
from bench.record.rows import Key
from bench.record.schema import Cell, Event
from bench.record.stored import Stored

_ELSEWHERE: Final = "name another folder with --out"


def make_folder(out: Path) -> None:
    """Make the folder, or take one that is empty. Raises UserError for another."""
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UserError(f"{out} is there already, and not empty: {_ELSEWHERE}")
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(out, error, _ELSEWHERE) from error


def write_csv(stored: Stored, metrics: Mapping[Key, Metrics], out: Path) -> tuple[str, ...]:
    """Write `requests.csv`, `pool.csv`, `events.csv` and `cells.csv` into a folder; returns their names.

    Null is an empty field, and an empty text is `""`. The files take their names when all of them are whole. Raises
    UserError where one cannot be written.
    """
    requests, samples = stored.frames()
    tables = {
        "requests": requests,
        "pool": samples,
        "events": _frame(dictionary.EVENTS, stored.events).lazy(),
        "cells": _cells(stored.run.cells, metrics).lazy(),
    }
    files = {out / f"{name}.csv": frame for name, frame in tables.items()}
    try:
        for path, frame in files.items():
            frame.sink_csv(unfinished(path), quote_style="necessary")
        for path in files:
            unfinished(path).replace(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise unwritable(out, error, _ELSEWHERE) from error
    finally:
        for path in files:
            with suppress(OSError):
                unfinished(path).unlink(missing_ok=True)
    return tuple(path.name for path in files)


def _cells(cells: Sequence[Cell], metrics: Mapping[Key, Metrics]) -> pl.DataFrame:
    """Each with its metrics, where it has any."""
    known = [metrics.get(cell.key, {}) for cell in cells]
    measured = [{name: values.get(name) for name in METRICS} for values in known]
    return _frame(dictionary.CELLS, cells).hstack(pl.DataFrame(measured, schema=dict.fromkeys(METRICS, pl.Float64)))


def _frame(table: Table, records: Sequence[Cell | Event]) -> pl.DataFrame:
    rows = [[getattr(record, name) for name in table.columns] for record in records]
    schema = {name: TYPES[column.kind] for name, column in table.columns.items()}
    return pl.DataFrame(rows, schema=schema, orient="row")
