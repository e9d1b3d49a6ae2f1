"""Whole reports, in every format."""

import json
from dataclasses import replace

import pytest

from bench.record.stored import Stored
from bench.record.summary import as_json
from bench.report.formats.terminal import WIDTH
from bench.report.render import Format, render
from bench.scenarios.catalogue import SCENARIOS
from tests.bench import made
from tests.bench.report.stored import stored, view_of


def everything(repetitions: int) -> Stored:
    cells = [
        made.cell(scenario, service, repetition)
        for repetition in range(repetitions)
        for scenario in SCENARIOS
        for service in made.SERVICES
    ]
    return stored(*cells)


def rendered(run: Stored, form: Format) -> str:
    return render(view_of(run), form)


@pytest.mark.parametrize("repetitions", [1, 3, 5])
def test_a_terminal_is_wide_enough(repetitions: int) -> None:
    text = rendered(everything(repetitions), "terminal")
    assert max(map(len, text.splitlines())) <= WIDTH


def test_terminal() -> None:
    assert (
        rendered(stored(made.cell("burst-10")), "terminal")
        == """\
burst-10
10 requests at once on 5 connections: does the second batch wait exactly one hold?
burst of 10 · hold 100 ms · pool 5 · acquire timeout 1.05 s · tuning equalised · 1 repetition: not
judged

                          forecast  asyncpg +
                                      FastAPI
------------------------  --------  ---------
served (of 10)                  10         10
rejected                         0          0
goodput (1/s)                   50       50.0
acquire p50, all (ms)            0          0
acquire p99, all (ms)          100        100
acquire max, served (ms)       100        100
server queue, p50 (ms)                      0
last answer after (s)          0.2      0.200
most waiting                     5          9

Measured less forecast
the median over the repetitions; each cell against its own forecast

scenario    forecast      asyncpg +
                            FastAPI
--------  ----------  -------------
burst-10  arithmetic    goodput 0 %
                      wait p50 0 ms
                      wait p99 0 ms
                           queue +4
A wait that is shorter than forecast began late: the request was in the server queue until then.
The forecasts were made with the hold as asked for.

How to read this
- asyncpg + FastAPI: asyncpg.Pool, asyncpg, FastAPI, uvicorn on one event loop.
- forecast: a first-come, first-served pool that costs nothing. goodput ÷ (c/h): requests served per
  second over what c connections held for h can serve, while all of them are busy by forecast.
- all: a request that was not served counts as infinitely slow, and a quantile that falls on one
  reads “not served”; served: the 200s alone.
- server queue: the client's time less the handler's, mostly the queue in front of the framework.
- A column is a stack, never a library: pool, driver, framework, server and concurrency model differ
  at once.
- Fewer than 10 repetitions judge nothing; this run has 1.
- Runs with another hold than 100 ms, or another tuning than equalised, cannot be set beside this
  one.
- Generator, service and database share one machine and its loopback: no network lies between them,
  and what is bound by the CPU says nothing of a pool.

Overview
hold 100 ms · tuning equalised · 1 repetition: not judged

scenario  figure           forecast  asyncpg +
                                       FastAPI
--------  ---------------  --------  ---------
burst-10  latency p99, ms       200        200
"""
    )


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


def test_readme_section_shows_the_overview_and_folds_the_rest() -> None:
    text = rendered(stored(made.cell()), "readme")
    assert text.startswith("### Overview\n")
    assert (
        text.index("### Overview")
        < text.index("<summary>A table for each scenario</summary>")
        < text.index("### burst-timeout")
    )
    assert text.count("<details>") == text.count("</details>") == 4
    assert "PostgreSQL" in text
    assert text.endswith("**Left out:** nothing, every cell passed.\n")


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
