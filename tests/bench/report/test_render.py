"""Whole reports, in every format."""

import csv
import json
from dataclasses import replace

import pytest

from bench.metrics.registry import METRICS
from bench.record.schema import AuditCheck
from bench.record.stored import Stored
from bench.record.summary import as_json
from bench.report.formats import figures_csv
from bench.report.render import Format, render
from tests.bench import made
from tests.bench.report.stored import stored, view_of


def rendered(run: Stored, form: Format) -> str:
    return render(view_of(run), form)


def test_csv_has_a_row_for_each_metric_of_each_stack() -> None:
    busy = AuditCheck(name="machine", verdict="failed", detail="other programs took 40%")
    disturbed = made.cell(service="psycopg_flask", audit=(busy,), status="rejected", why="audit, machine")
    rows = list(csv.DictReader(rendered(stored(made.cell(), disturbed), "csv").splitlines()))

    assert tuple(rows[0]) == figures_csv.HEADER
    assert sorted(row["metric"] for row in rows) == sorted([*METRICS] * 2)
    of = {(row["service"], row["metric"]): tuple(row.values())[3:] for row in rows}
    assert of["asyncpg_fastapi", "ok"] == ("requests", "55.0", "", "", "1", "")
    assert of["asyncpg_fastapi", "latency_ms_p99_all"] == ("ms", "", "", "", "1", "")
    assert of["psycopg_flask", "ok"] == ("requests", "55.0", "", "", "1", "machine busy")


def test_csv_of_one_scenario_has_no_other() -> None:
    text = figures_csv.report(view_of(stored(made.cell(), made.cell("burst-10"))), "burst-10")

    assert {row["scenario"] for row in csv.DictReader(text.splitlines())} == {"burst-10"}


def test_markdown_holds_everything_that_a_reader_must_know() -> None:
    failed = replace(made.cell(repetition=1), status="failed", why="it | died")
    text = rendered(stored(made.cell(), failed), "md")
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# Results",
        "## Overview",
        "## burst-timeout",
        "## Measured less forecast",
        "## Left out",
        "## How to read this, and what it does not say",
    ]
    for said in (
        "- 2026-11-23T10:00:00Z, commit 0123abc\n",
        "- Some CPU, 2 cores, 7.8 GB, Linux 6.1 x86_64, Python 3.11.2\n",
        "- PostgreSQL 18.4 (embedded, max_connections 100)\n- asyncpg 0.32.0, psycopg 3.3.9\n",
        "- profile quick, hold 100 ms, tuning equalised, tracing off, seed 1\n",
        "- 2 repetitions of 1 scenario on 1 service, each cell in fresh processes; took 0 s\n",
        "| burst-timeout | served (of 100) |       55 |                55 |\n",
        "- burst-timeout · asyncpg + FastAPI, repetition 2: it | died\n",
        "- A column is a stack, never a library: ",
        "- Fewer than 10 repetitions judge nothing; this run has 2.\n",
        "- Runs with another hold than 100 ms, or another tuning than equalised, cannot be set beside this one.\n",
    ):
        assert said in text


def test_json_is_the_summary() -> None:
    view = view_of(stored(made.cell()))
    text = render(view, "json")
    assert text == as_json(view.summary)
    assert json.loads(text)["cells"][0]["metrics"]["ok"] == {"value": 55, "low": None, "high": None}


@pytest.mark.parametrize(
    ("target", "shared"),
    [
        ("compose", "- Generator, containers and database share one machine: "),
        ("remote", "- The services ran elsewhere: "),
    ],
)
def test_another_place_is_told_with_its_addresses(target: str, shared: str) -> None:
    run = stored(made.cell(settings={"service": "asyncpg_fastapi"}), target=target, urls={"mine": "http://there:8000"})
    environment = replace(run.run.environment, fresh_processes=False, database=None, max_connections=None)
    text = rendered(replace(run, run=replace(run.run, environment=environment)), "md")
    for said in (
        f"- target {target}: mine at http://there:8000\n",
        "- the load came from Some CPU, 2 cores, ",
        "- PostgreSQL: not looked at\n",
        "processes not fresh, a new pool for each cell; took 0 s\n",
        f"or another tuning than equalised, or in another place than {target}, cannot be set beside this one.\n",
        shared,
    ):
        assert said in text
    assert "fresh processes" not in text
    assert "share one machine and its loopback" not in text
