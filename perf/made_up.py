"""Runs of any size that were never played: each scenario of the catalogue, as a simulated queue plays it."""

import heapq
import random
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import polars as pl

from bench.analysis.outages import ENDED
from bench.record.columns import TYPES, CellRows, keyed, pool_frame
from bench.record.rows import KEY, REQUEST_COLUMNS, Row
from bench.record.schema import SCHEMA, Cell, Event, Plan, Run
from bench.run.environment import describe
from bench.run.matrix import planned_cells
from bench.scenarios.catalogue import SCENARIOS
from services.stacks import STACKS
from services.workload.loads import Burst, Closed, Open, Sequential

HOLD_MS: Final = 100
REQUESTS: Final = 8_000
"""Of each cell."""
SAMPLE_US: Final = 50_000
ROUNDED_US: Final = 300
"""What lies at the most between sending a request and asking the pool, so that no order is exact."""
OUT_OF_TURN: Final = 0.05
"""This share of waiting requests is served before the one in front."""


def made_up_run(samples: int) -> Run:
    """One that sent about so many requests, on every stack."""
    scenarios, services = tuple(SCENARIOS), tuple(STACKS)
    count = max(1, round(samples / REQUESTS))
    plan = Plan(
        profile="lab",
        tuning="equalised",
        tracing=False,
        hold_ms=HOLD_MS,
        repeat=-(-count // (len(scenarios) * len(services))),
        seed=1,
        services=services,
        scenarios=scenarios,
    )
    return Run(schema=SCHEMA, environment=describe(None, None), plan=plan, cells=tuple(planned_cells(plan)[:count]))


def made_up_rows(cells: Iterable[Cell]) -> Iterator[CellRows]:
    """What each of them measured, `REQUESTS` requests each; the same rows from the same cells."""
    shapes: dict[str, pl.DataFrame] = {}
    for cell in cells:
        if cell.scenario not in shapes:
            shapes[cell.scenario] = _queue(cell)
        requests = _differing(shapes[cell.scenario], cell)
        faults = SCENARIOS[cell.scenario].faults
        events = (_event(cell, requests["finished_us"].max()),) if faults else ()
        yield CellRows(cell, keyed(cell, requests), keyed(cell, _samples(cell, requests)), events)


def _queue(cell: Cell) -> pl.DataFrame:
    """`REQUESTS` requests at a pool of c connections, first come, first served, without the cell's key."""
    chance = random.Random(1)  # noqa: S311 - a shape, not a secret
    hold_us, patience_us = cell.hold_ms * 1000, round(cell.acquire_timeout_s * 1e6)
    free = [0] * cell.capacity
    coming = _first_of_each_user(cell)
    rows, asked = [], 0
    for n in range(REQUESTS):
        if isinstance(cell.load, Open):
            user, asked = 0, asked + round(chance.expovariate(cell.load.rate_per_s / 1e6))
        else:
            asked, user = heapq.heappop(coming)
        start = max(asked, free[0])
        waits = min(start - asked, patience_us)
        served = start - asked <= patience_us
        if served:
            heapq.heapreplace(free, start + hold_us)
        end = asked + waits + hold_us * served
        heapq.heappush(coming, (end, user))
        rows.append((n, user, asked, end, served, waits))
    of, users, asked_us, end_us, granted, wait_us = (np.array(column) for column in zip(*rows, strict=True))
    path = SCENARIOS[cell.scenario].at(HOLD_MS).mix[0].path
    return pl.DataFrame(
        {
            "n": of,
            "user": users,
            "path": [path] * REQUESTS,
            "planned_us": asked_us.tolist() if isinstance(cell.load, Open | Burst) else [None] * REQUESTS,
            "sent_us": asked_us,
            "finished_us": end_us,
            "status": np.where(granted, 200, 503),
            "error": np.where(granted, "none", "pool_exhausted").tolist(),
            "acquire_us": wait_us,
            "work_us": hold_us * granted,
            "release_us": 0 * of,
            "app_us": end_us - asked_us,
        },
        schema={name: TYPES[kind] for name, kind in REQUEST_COLUMNS.items() if name not in KEY},
    )


def _first_of_each_user(cell: Cell) -> list[tuple[int, int]]:
    match cell.load:
        case Closed(stages=stages):
            users = max(stage.users for stage in stages)
        case Burst():
            users = REQUESTS
        case Sequential():
            users = 1
        case Open():
            users = 0
    return [(0, user) for user in range(users)]


def _differing(shape: pl.DataFrame, cell: Cell) -> pl.DataFrame:
    """The shape with the noise of one cell: no two cells alike, and some requests out of turn."""
    noise = np.random.default_rng((cell.seed, *cell.service.encode()))
    wait = shape["acquire_us"].to_numpy().copy()
    ahead = np.flatnonzero((noise.random(REQUESTS - 1) < OUT_OF_TURN) & (wait[1:] > 0) & (wait[:-1] > 0))
    ahead = ahead[np.diff(ahead, prepend=-2) > 1]
    moved = shape["sent_us"].to_numpy()[ahead + 1] - shape["sent_us"].to_numpy()[ahead]
    wait[ahead] += moved
    wait[ahead + 1] -= np.minimum(moved, wait[ahead + 1])
    late = noise.integers(1, ROUNDED_US, REQUESTS)
    added = wait - shape["acquire_us"].to_numpy() + late
    return shape.with_columns(
        acquire_us=wait, finished_us=shape["finished_us"] + added, app_us=shape["app_us"] + added - late // 2
    )


def _samples(cell: Cell, requests: pl.DataFrame) -> pl.DataFrame:
    """Every 50 ms, but no more often than every third request."""
    count = min(int(requests["finished_us"].max()) // SAMPLE_US + 1, REQUESTS // 3)  # type: ignore[arg-type]  # a column of whole numbers
    c = cell.pool_size
    waiting = np.abs(np.random.default_rng(cell.seed).normal(c, c, count)).astype(int).tolist()
    return pool_frame(
        [
            Row(t_us=nth * SAMPLE_US, size=c, free=0, used=c, waiting=waits, connecting=0, backends=c)
            for nth, waits in enumerate(waiting)
        ]
    )


def _event(cell: Cell, end_us: object) -> Event:
    assert isinstance(end_us, int), "a cell has requests"
    scenario, service, repetition = cell.key
    return Event(
        scenario=scenario, service=service, repetition=repetition, t_s=end_us / 3e6, kind=ENDED, text="made up"
    )
