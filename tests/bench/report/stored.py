"""A stored run for the report's tests: perfect bursts, with what a test wants to be different."""

from typing import Any

import polars as pl

from bench.record.schema import Cell
from bench.record.store import Stored
from services.workload.loads import Burst
from tests.bench import made


def stored(*cells: Cell, **plan: Any) -> Stored:
    """Each burst as a perfect pool plays it, each other load as one request that took one hold."""
    services = tuple(dict.fromkeys(cell.service for cell in cells))
    scenarios = tuple(dict.fromkeys(cell.scenario for cell in cells))
    repetitions = max(cell.repetition for cell in cells) + 1
    run = made.run(cells, **{"services": services, "scenarios": scenarios, "repeat": repetitions} | plan)
    return Stored(
        run=run,
        requests=pl.concat([made.requests(cell, _rows(cell)) for cell in cells if cell.status == "ok"]),
        samples=pl.concat([made.samples(cell, [{"t_us": 0, "waiting": 9, "used": 5}]) for cell in cells]),
        events=(),
    )


def _rows(cell: Cell) -> list[dict[str, Any]]:
    if not isinstance(cell.load, Burst):
        return [{"finished_us": cell.hold_ms * 1000, "work_us": cell.hold_ms * 1000}]
    # Later repetitions are a little slower.
    hold_us = cell.hold_ms * (1000 + cell.repetition)
    return made.fifo_burst(cell.load.requests, cell.pool_size, hold_us, round(cell.acquire_timeout_s * 1e6))
