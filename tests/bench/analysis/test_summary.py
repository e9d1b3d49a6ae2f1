"""Repetitions put together."""

import json
import math
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from bench.analysis.summary import left_out, measure, spreads, summarise
from bench.metrics.model import Metrics
from bench.record.columns import CellRows
from bench.record.schema import AuditCheck, Cell, Run
from bench.record.stored import Stored
from bench.record.summary import CellSummary, Figure, Summary, as_json
from tests.bench import made


def run_of(*cells: Cell, **changed: Any) -> Run:
    plan = {"services": made.SERVICES, "scenarios": ("one", "burst-timeout")} | changed
    return made.run(cells, **plan)


def metrics(*repetitions: Metrics, service: str = "asyncpg_fastapi") -> dict[Any, Any]:
    return {("one", service, repetition): values for repetition, values in enumerate(repetitions)}


def figures(*repetitions: Metrics) -> dict[str, Figure]:
    summary = summarise(run_of(), metrics(*repetitions))
    assert len(summary.cells) == 1
    assert summary.cells[0].repetitions == len(repetitions)
    return summary.cells[0].metrics


def test_no_interval_under_five() -> None:
    repetitions: list[Metrics] = [{"ok": value} for value in (4, 1, 2, 3, 9)]
    assert figures(*repetitions[:4]) == {"ok": Figure(value=2.5)}
    assert figures(*repetitions) == {"ok": Figure(value=3, low=1, high=9)}


def test_what_was_not_served_is_longer_than_anything() -> None:
    repetitions: list[Metrics] = [
        {"latency_ms_p99_all": value, "first_timeout_s": value} for value in (3.0, None, 1.0, None, 2.0)
    ]
    both = Figure(value=3.0, low=1.0, high=None)
    assert figures(*repetitions) == {"latency_ms_p99_all": both, "first_timeout_s": both}
    assert figures(repetitions[0], repetitions[1], repetitions[1])["latency_ms_p99_all"] == Figure(value=None)


def test_what_is_not_known_is_left_out() -> None:
    repetitions: list[Metrics] = [{"app_rss_mb": value} for value in (60.0, None, 62.0)]
    assert figures(*repetitions) == {"app_rss_mb": Figure(value=61.0)}
    assert figures({"app_rss_mb": None}) == {"app_rss_mb": Figure(value=None)}


def test_spreads() -> None:
    repetitions: list[Metrics] = [{"ok": n, "latency_ms_p50_all": None, "app_rss_mb": None} for n in (4, 1, 2)]
    found = spreads(run_of(), metrics(*repetitions))
    assert found == {("one", "asyncpg_fastapi"): {"ok": (1, 4), "latency_ms_p50_all": (math.inf, math.inf)}}


def test_cells_stand_in_the_order_of_the_plan() -> None:
    keys = [("burst-timeout", "psycopg_flask"), ("one", "psycopg_flask"), ("one", "asyncpg_fastapi")]
    summary = summarise(run_of(), {(*key, 0): {"ok": 1} for key in keys})
    assert [(cell.scenario, cell.service) for cell in summary.cells] == keys[::-1]


def test_each_cell_is_measured_by_its_own_rows_and_leaves_out_what_failed() -> None:
    cells = [made.cell("burst-timeout", service, repetition) for service in made.SERVICES[:2] for repetition in (0, 1)]
    cells[3] = replace(cells[3], status="failed", why="it died")
    parts = [
        made.requests(cell, made.fifo_burst(100, 5, 100_000, acquire_timeout))
        for cell, acquire_timeout in zip(cells, (1_050_000, 950_000, 850_000, 750_000), strict=True)
    ]
    run = run_of(*cells)
    samples = made.samples(cells[0], [{"t_us": 0, "waiting": 95}])
    metrics = measure(Stored.of(run, pl.concat(parts), samples, ()).rows(), cores=2)
    summary = summarise(run, metrics)
    said = [
        (cell.scenario, cell.service, cell.repetitions, cell.metrics["ok"].value, cell.metrics["waiting_peak"].value)
        for cell in summary.cells
    ]
    assert said == [
        ("burst-timeout", "asyncpg_fastapi", 2, 52.5, 95),
        ("burst-timeout", "psycopg_flask", 1, 45, None),
    ]
    assert left_out(run) == (cells[3],)
    assert set(metrics) == {cell.key for cell in cells[:3]}


def test_events_reach_their_cell() -> None:
    cell = made.cell("leak-kept")
    run = run_of(cell, scenarios=("leak-kept",))
    requests = made.requests(cell, [{"sent_us": 2_000_000, "finished_us": 2_100_000}])
    rows = CellRows(cell, requests, made.samples(cell), (made.event(cell, 1.5, "leak"),))
    summary = summarise(run, measure([rows], cores=2))
    assert summary.cells[0].metrics["recovered_s"].value == pytest.approx(0.6)


def test_json() -> None:
    cell = CellSummary(scenario="one", service="s", repetitions=1, metrics={"ok": Figure(value=1.0)})
    assert json.loads(as_json(Summary(schema=1, cells=(cell,)))) == {
        "schema": 1,
        "cells": [
            {
                "scenario": "one",
                "service": "s",
                "repetitions": 1,
                "metrics": {"ok": {"value": 1.0, "low": None, "high": None}},
            }
        ],
        "comparisons": [],
        "disturbed": [],
    }
    assert json.loads(as_json(Summary(schema=1, cells=()))) == {
        "schema": 1,
        "cells": [],
        "comparisons": [],
        "disturbed": [],
    }


BUSY = AuditCheck(name="machine", verdict="failed", detail="other programs took 44% of the machine: end them")
LOST = AuditCheck(name="counts", verdict="failed", detail="acquired_total rose by 54, and the client saw 55")


def rejected(service: str, repetition: int, *checks: AuditCheck) -> Cell:
    return made.cell("burst-timeout", service, repetition, status="rejected", audit=checks, why=checks[0].detail)


def test_what_was_only_disturbed_is_told_apart_and_in_no_interval_and_no_verdict() -> None:
    a, b, c = made.SERVICES[:3]
    clean = [made.cell("burst-timeout", a, repetition) for repetition in range(10)]
    disturbed = [rejected(b, repetition, BUSY) for repetition in range(10)]
    run = run_of(*clean, *disturbed, rejected(c, 0, BUSY, LOST), services=(a, b, c))
    parts = [made.requests(cell, made.fifo_burst(100, 5, 100_000, 1_050_000)) for cell in run.cells]

    summary = summarise(run, measure(Stored.of(run, pl.concat(parts), made.samples(clean[0]), ()).rows(), cores=2))

    assert [(cell.service, cell.repetitions) for cell in summary.cells] == [(a, 10)]
    (marked,) = summary.disturbed
    assert (marked.service, marked.repetitions, marked.metrics["ok"]) == (b, 10, Figure(value=55))
    assert summary.comparisons == ()
    assert [cell.service for cell in left_out(run)] == [c]
    assert [cell["service"] for cell in json.loads(as_json(summary))["disturbed"]] == [b]


def test_one_repetition_that_counts_is_all_that_is_shown() -> None:
    service = made.SERVICES[0]
    run = run_of(made.cell("burst-timeout", service), rejected(service, 1, BUSY), services=(service,))
    parts = [made.requests(cell, made.fifo_burst(100, 5, 100_000, 1_050_000)) for cell in run.cells]

    summary = summarise(run, measure(Stored.of(run, pl.concat(parts), made.samples(run.cells[0]), ()).rows(), cores=2))

    assert ([cell.repetitions for cell in summary.cells], summary.disturbed) == ([1], ())
    assert left_out(run) == (run.cells[1],)


def test_comparisons_are_in_the_summary() -> None:
    repetitions: dict[Any, Any] = {
        ("burst-timeout", service, repetition): {"ok": served, "share_served": served / 100, "cpu_bound": 0.0}
        for service, served in (("asyncpg_fastapi", 50.0), ("psycopg_flask", 60.0))
        for repetition in range(10)
    }
    summary = summarise(run_of(), repetitions)
    (found,) = json.loads(as_json(summary))["comparisons"]
    assert (found["scenario"], found["verdict"], found["better"]) == ("burst-timeout", "better", "psycopg_flask")
    assert (found["scale"], found["percent"], found["percent_low"]) == (
        "points",
        pytest.approx(-10),
        pytest.approx(-10),
    )
