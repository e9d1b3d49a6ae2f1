"""What HTTP adds: two runs side by side."""

from dataclasses import replace
from typing import Any

import pytest

from bench.errors import UserError
from bench.report.layers import layers
from bench.report.overview import overview
from bench.report.table import Table
from bench.report.view import View
from tests.bench import made
from tests.bench.report.stored import stored, view_of


def run(*services: str, scenario: str = "burst-10", **plan: Any) -> View:
    # Over HTTP a repetition later, which is a little slower.
    repetition = 0 if plan.get("layer") == "pool" else 10
    return view_of(stored(*(made.cell(scenario, service, repetition) for service in services), repeat=1, **plan))


POOL = run("asyncpg_fastapi", "psycopg_flask", layer="pool")
HTTP = run("psycopg_flask", "sqlalchemy_fastapi")


def test_a_whole_table() -> None:
    (table,) = layers(POOL, HTTP)

    assert table == Table(
        title="burst-10, with and without HTTP",
        question="10 requests at once on 5 connections: does the second batch wait exactly one hold?",
        about="hold 100 ms · tuning equalised · pool alone: 1 repetition: not judged "
        "· over HTTP: 1 repetition: not judged",
        headers=("", "forecast", "psycopg_pool + Flask"),
        rows=(
            ("latency p99, all (ms), pool alone", "200", "200"),
            ("… over HTTP", "200", "202"),
            ("… what HTTP adds", "", "+2"),
            ("acquire p50, all (ms), pool alone", "0", "0"),
            ("… over HTTP", "0", "0"),
            ("… what HTTP adds", "", "0"),
            ("acquire p99, all (ms), pool alone", "100", "100"),
            ("… over HTTP", "100", "101"),
            ("… what HTTP adds", "", "+1"),
            ("goodput (1/s), pool alone", "50", "50.0"),
            ("… over HTTP", "50", "49.5"),
            ("… what HTTP adds", "", "-0.5"),
        ),
        notes=(
            (
                "what HTTP adds: the difference of the medians, without an interval; server, framework, sockets and a "
                "generator of its own are in it; on the pool alone, requests are tasks or threads of the same process"
            ),
        ),
    )
    assert layers(HTTP, POOL) == layers(POOL, HTTP)


def test_what_is_beyond_all_numbers_has_no_difference() -> None:
    pool, http = (run("psycopg_flask", scenario="burst-timeout", layer=layer) for layer in ("pool", "http"))
    (table,) = layers(pool, http)

    at = next(nth for nth, row in enumerate(table.rows) if row[0] == "acquire p99, all (ms), pool alone")
    assert [row[-1] for row in table.rows[at : at + 3]] == [
        "> timeout (45 % rejected)",
        "> timeout (45 % rejected)",
        "–",
    ]


def test_another_machine_is_said() -> None:
    environment = replace(HTTP.run.environment, cpu="Another", cores=4)
    there = View(replace(HTTP.run, environment=environment), HTTP.summary, {})

    (table,) = layers(POOL, there)

    assert table.notes[-1] == "not the same machine: cpu, cores differ, and the difference holds that too"


@pytest.mark.parametrize(
    ("other", "text"),
    [
        (POOL, "both runs are of layer pool: name one of `bench run --layer pool`, and one over HTTP"),
        (run("psycopg_flask", hold_ms=50), "hold_ms is 100 on the pool and 50 over HTTP: nothing but the layer"),
        (run("psycopg_flask", tuning="as_shipped"), "tuning is equalised on the pool and as_shipped over HTTP: "),
        (run("psycopg_flask", scenario="one"), "the two runs share no scenario on the same service: run the one"),
        (run("sqlalchemy_fastapi"), "the two runs share no scenario on the same service: run the one"),
    ],
)
def test_more_than_the_layer_is_refused(other: View, text: str) -> None:
    with pytest.raises(UserError, match=f"^{text.replace('(', '[(]')}"):
        layers(POOL, other)


def test_the_tables_of_a_pool_name_the_pool_and_the_layer() -> None:
    table = overview(POOL)

    assert table.headers == ("scenario", "figure", "forecast", "asyncpg.Pool", "psycopg_pool")
    assert table.about == "hold 100 ms · tuning equalised · layer: pool, no HTTP · 1 repetition: not judged"
