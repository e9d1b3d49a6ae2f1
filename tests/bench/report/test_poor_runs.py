"""Runs with little in them: every report says what there is, and none ends in a traceback."""

import csv
from dataclasses import replace

import pytest

from bench.record.schema import Cell, Run
from bench.record.stored import Stored
from bench.report.formats import figures_csv, terminal
from bench.report.render import one_scenario, render
from bench.report.view import View
from tests.bench import made
from tests.bench.report.stored import stored, view_of

A, B, C = made.SERVICES
CELL = made.cell()
FAILED = replace(CELL, status="failed", why="it died\nwith a log")


def bare(*cells: Cell, **plan: object) -> Stored:
    """A run of which no request and no sample was kept."""
    run: Run = made.run(cells, **plan)
    return Stored.of(run, made.requests(CELL, []), made.samples(CELL), ())


def elsewhere() -> Stored:
    run = stored(made.cell(), target="remote", urls={A: "http://there:8000"})
    unseen = replace(
        run.run.environment, fresh_processes=False, database=None, max_connections=None, postgres="", versions={}
    )
    return replace(run, run=replace(run.run, environment=unseen))


RUNS = {
    "no cell": bare(),
    "no scenario": bare(scenarios=()),
    "failed alone": bare(FAILED, replace(FAILED, service=B), services=(A, B)),
    "skipped alone": bare(replace(CELL, status="skipped", why="needs --database-url")),
    "no request": bare(CELL),
    "one stack": stored(*(made.cell(repetition=nth) for nth in range(10))),
    "not planned": stored(
        *(made.cell(service=each) for each in ("psycopg_fastapi", "psycopg_django")),
        services=("psycopg_fastapi", "psycopg_django"),
    ),
    "a pool alone": stored(made.cell(), made.cell(service=B), layer="pool"),
    "elsewhere": elsewhere(),
    "another's stack": stored(made.cell(service="mine")),
}


@pytest.fixture(params=RUNS)
def view(request: pytest.FixtureRequest) -> View:
    return view_of(RUNS[request.param])


def test_every_report_of_it_can_be_made(view: View) -> None:
    for text in (terminal.summary(view), terminal.details(view)):
        assert max(map(len, text.splitlines())) <= 80
        assert "Some CPU, 2 cores" in text
    assert render(view, "md").startswith("# Results\n")
    assert next(csv.reader(render(view, "csv").splitlines())) == list(figures_csv.HEADER)
    for name in view.scenarios:
        assert one_scenario(view, name, "terminal").startswith(f"{name}\n")


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ("no cell", "broken off: 0 of 1 cells were played"),
        ("no cell", "No cell was played."),
        ("one stack", "one stack: nothing to compare"),
        ("not planned", "no contrast is planned between these stacks: they are not compared"),
        ("failed alone", "failed: burst-timeout · asyncpg + FastAPI, repetition 1: it died"),
        ("skipped alone", "burst-timeout · skipped: needs --database-url"),
        ("a pool alone", "layer: pool, no HTTP"),
        ("elsewhere", "target remote, the load came from Some CPU"),
        ("elsewhere", "PostgreSQL: not looked at"),
    ],
)
def test_the_summary_says_what_there_is(run: str, said: str) -> None:
    assert said in " ".join(terminal.summary(view_of(RUNS[run])).split())


def test_a_run_without_requests_has_no_figures() -> None:
    row = next(line for line in terminal.summary(view_of(RUNS["no request"])).splitlines() if "served" in line)
    assert row.split() == ["burst-timeout", "served", "(of", "0)", "55", "0", "!"]
