"""Runs made by hand: what a perfect pool, or one with a given fault, would have left.

Records and frames are as a run would hand them to the store.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from bench.analysis.forecast import forecast
from bench.record.rows import POOL_COLUMNS, REQUEST_COLUMNS
from bench.record.schema import SCHEMA, Cell, Environment, Event, Plan, Run
from bench.scenarios.catalogue import SCENARIOS
from services.stacks import usual

TYPES = {"str": pl.String, "int": pl.Int64, "float": pl.Float64}
SERVICES = tuple(stack.name for stack in usual())

ENVIRONMENT = Environment(
    started="2026-11-23T10:00:00Z",
    commit="0123abc",
    dirty=False,
    system="Linux 6.1 x86_64",
    cpu="Some CPU",
    cores=2,
    memory_gb=7.8,
    python="3.11.2",
    postgres="18.4",
    max_connections=100,
    database="embedded",
    versions={"asyncpg": "0.32.0", "psycopg": "3.3.9"},
)


def plan(**changed: Any) -> Plan:
    made = Plan(
        profile="quick",
        tuning="equalised",
        tracing=False,
        hold_ms=100,
        repeat=1,
        seed=1,
        services=("asyncpg_fastapi",),
        scenarios=("burst-timeout",),
    )
    return replace(made, **changed)


def run(cells: Iterable[Cell] = (), **changed: Any) -> Run:
    return Run(schema=SCHEMA, environment=ENVIRONMENT, plan=plan(**changed), cells=tuple(cells))


def cell(
    scenario: str = "burst-timeout", service: str = "asyncpg_fastapi", repetition: int = 0, **changed: Any
) -> Cell:
    """A cell of the catalogue at a hold of 100 ms, forecast and passed."""
    asked = SCENARIOS[scenario].at(100)
    made = Cell(
        scenario=scenario,
        service=service,
        repetition=repetition,
        seed=7,
        hold_ms=asked.hold_ms,
        acquire_timeout_s=asked.acquire_timeout_s,
        pool_size=asked.scenario.pool_size,
        capacity=asked.scenario.pool_size,
        load=asked.load,
        forecast=forecast(asked),
        status="ok",
    )
    return replace(made, **changed)


def schema(columns: Mapping[str, str]) -> dict[str, type[pl.DataType]]:
    """The types of a file's columns."""
    return {name: TYPES[kind] for name, kind in columns.items()}


def requests(of: Cell, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """One row a request; what a row does not name is a request to `/api/query` that was served at once."""
    usual = {
        "scenario": of.scenario, "service": of.service, "repetition": of.repetition, "user": 0, "path": "/api/query",
        "planned_us": None, "sent_us": 0, "finished_us": 100_000, "status": 200, "error": "none",
        "acquire_us": 0, "work_us": 100_000, "release_us": 0, "app_us": 100_000,
    }  # fmt: skip
    whole = [{**usual, "n": n, **row} for n, row in enumerate(rows)]
    return pl.DataFrame(whole, schema=schema(REQUEST_COLUMNS))


def samples(of: Cell, rows: Sequence[dict[str, Any]] = ()) -> pl.DataFrame:
    """One row a sample of the pool; what a row does not name is null."""
    key = {"scenario": of.scenario, "service": of.service, "repetition": of.repetition}
    return pl.DataFrame([dict.fromkeys(POOL_COLUMNS) | key | row for row in rows], schema=schema(POOL_COLUMNS))


def event(of: Cell, t_s: float, kind: str, text: str = "") -> Event:
    return Event(scenario=of.scenario, service=of.service, repetition=of.repetition, t_s=t_s, kind=kind, text=text)


def fifo_burst(n: int, c: int, hold_us: int, acquire_timeout_us: int) -> list[dict[str, Any]]:
    """What a pool that costs nothing makes of `n` requests that all come at 0: one batch after another."""
    rows: list[dict[str, Any]] = []
    for rank in range(n):
        waits = rank // c * hold_us
        if waits < acquire_timeout_us:
            ends = waits + hold_us
            took = {"acquire_us": waits, "work_us": hold_us, "finished_us": ends, "app_us": ends}
            rows.append({"planned_us": 0, "sent_us": 0, **took})
        else:
            took = {
                "acquire_us": acquire_timeout_us,
                "work_us": 0,
                "finished_us": acquire_timeout_us,
                "app_us": acquire_timeout_us,
            }
            refused = {"status": 503, "error": "pool_exhausted"}
            rows.append({"planned_us": 0, "sent_us": 0, **took, **refused})
    return rows
