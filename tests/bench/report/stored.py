"""A stored run for the report's tests: perfect bursts, with what a test wants to be different."""

from typing import Any

import polars as pl

from bench.analysis.summary import measure
from bench.metrics.model import Metrics
from bench.record.rows import Key
from bench.record.schema import Cell
from bench.record.stored import Stored
from bench.report.view import View
from bench.report.view import view_of as view_of_metrics
from services.workload.loads import Burst
from tests.bench import made


def stored(*cells: Cell, **plan: Any) -> Stored:
    """Each burst as a perfect pool plays it, each other load as one request that took one hold."""
    services = tuple(dict.fromkeys(cell.service for cell in cells))
    scenarios = tuple(dict.fromkeys(cell.scenario for cell in cells))
    repetitions = max(cell.repetition for cell in cells) + 1
    run = made.run(cells, **{"services": services, "scenarios": scenarios, "repeat": repetitions} | plan)
    return Stored.of(
        run,
        requests=pl.concat([made.requests(cell, _rows(cell)) for cell in cells if cell.status in ("ok", "rejected")]),
        samples=pl.concat([made.samples(cell, [{"t_us": 0, "waiting": 9, "used": 5}]) for cell in cells]),
        events=(),
    )


def metrics_of(stored: Stored) -> dict[Key, Metrics]:
    """Of every cell that was played to its end."""
    return measure(stored.rows(), stored.run.environment.cores)


def view_of(stored: Stored) -> View:
    """As every report is made from."""
    return view_of_metrics(stored.run, metrics_of(stored))


def _rows(cell: Cell) -> list[dict[str, Any]]:
    if not isinstance(cell.load, Burst):
        return [{"finished_us": cell.hold_ms * 1000, "work_us": cell.hold_ms * 1000}]
    # Later repetitions are a little slower.
    hold_us = cell.hold_ms * (1000 + cell.repetition)
    return made.fifo_burst(cell.load.requests, cell.pool_size, hold_us, round(cell.acquire_timeout_s * 1e6))
