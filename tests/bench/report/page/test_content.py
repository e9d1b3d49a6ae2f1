"""What a page says, without a browser."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from bench.record.rows import Key
from bench.record.stored import Stored
from bench.report.page.content import command, findings, pairs
from bench.report.page.make import page_of
from bench.report.page.published import published
from bench.report.page.render import index
from bench.report.view import View, view_of
from tests.bench import made
from tests.bench.report.stored import metrics_of, stored
from tests.bench.report.stored import view_of as view_of_run

A, B, C = made.SERVICES


def judged(**served: float) -> View:
    """Ten repetitions of a scenario in which so many of a hundred were served."""
    cells = [made.cell("burst-timeout", who, repetition) for repetition in range(10) for who in served]
    run = stored(*cells)
    metrics: Mapping[Key, Any] = {
        key: {**values, "ok": served[key[1]], "share_served": served[key[1]] / 100}
        for key, values in metrics_of(run).items()
    }
    return view_of(run.run, metrics)


def test_what_parts_the_stacks_stands_first_and_names_what_differs() -> None:
    view = judged(asyncpg_fastapi=39, psycopg_flask=39, sqlalchemy_fastapi=100)
    assert findings(view) == (
        (
            "burst-timeout",
            ("pool: SQLAlchemy + FastAPI better than asyncpg + FastAPI by 61 points (100 % and 39 % were served)"),
        ),
        (
            "burst-timeout",
            "SQLAlchemy + FastAPI better than psycopg_pool + Flask by 61 points (100 % and 39 % were served)",
        ),
    )
    assert [(pair.a, pair.b, pair.verdict) for pair in pairs(view)] == [
        (A, B, "equivalent"),
        (A, C, "better"),
        (B, C, "better"),
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "bench run -x one"),
        ({"profile": "standard", "repeat": 10}, "bench run -x one --profile standard"),
        ({"profile": "standard", "repeat": 20}, "bench run -x one --profile standard --repeat 20"),
        ({"layer": "pool", "release": "context-manager"}, "bench run -x one --layer pool --release context-manager"),
        ({"tuning": "as_shipped", "hold_ms": 50}, "bench run -x one --tuning as_shipped --hold-ms 50"),
        ({"profile": "gone"}, "bench run -x one --profile gone --hold-ms 100 --repeat 1"),
    ],
)
def test_the_command_plays_a_scenario_as_it_was_played(changed: dict[str, Any], said: str) -> None:
    cells = [made.cell("one", who) for who in made.SERVICES]
    run = stored(*cells)
    view = view_of(replace(run.run, plan=replace(run.run.plan, **changed)), metrics_of(run))
    assert command(view, "one") == said


@pytest.mark.parametrize(
    ("names", "said"), [((B, f"{B}-again"), f"--aa {B}"), ((B, f"{B}-2", f"{B}-3"), f"--aa {B} --names 3")]
)
def test_one_service_under_several_names_is_played_so_again(names: tuple[str, ...], said: str) -> None:
    view = view_of_run(stored(*(made.cell("one", name) for name in names)))
    assert command(view, "one") == f"bench run -x one {said}"


def test_a_finding_that_is_a_percentage_says_of_what() -> None:
    cells = [made.cell("tight-loop", who, repetition) for repetition in range(10) for who in (A, B)]
    run, waits = stored(*cells), {A: 909.0, B: 459.0}
    metrics = {key: {**values, "longest_wait_ms": waits[key[1]]} for key, values in metrics_of(run).items()}
    ((_, said),) = findings(view_of(run.run, metrics))
    assert said.endswith("by 50 %; longest wait of a request (ms): asyncpg + FastAPI 909, psycopg_pool + Flask 459")


def test_fewer_stacks_are_named_in_the_command() -> None:
    view = view_of_run(stored(made.cell("one", B)))
    assert command(view, "one") == f"bench run -x one -s {B}"


def test_a_version_beside_the_locked_one_is_played_so_again() -> None:
    view = view_of_run(stored(*(made.cell("one", name) for name in (B, f"{B}@psycopg-pool==3.2.6"))))
    assert command(view, "one") == f"bench run -x one -s {B} --with psycopg-pool==3.2.6"


def test_a_page_has_every_scenario_with_its_question_table_and_command() -> None:
    html = page_of(stored(*(made.cell(name, who) for name in ("one", "burst-10") for who in (A, B))))
    assert re.findall(r'<section class="scenario" id="([\w-]+)"', html) == ["one", "burst-10"]
    assert "does the second batch wait exactly one hold?" in html
    assert "bench run -x burst-10" in html
    assert html.count("<table") >= 4


BAD = {
    "no samples": stored(made.cell("burst-10", A)),
    "failed": stored(made.cell("burst-10", A), made.cell("burst-10", B, status="failed", why="it died\nin two lines")),
    "one stack": stored(*(made.cell("burst-10", A, repetition) for repetition in range(10))),
    "pool alone": stored(made.cell("tight-loop", A), layer="pool"),
    "skipped": stored(made.cell("several-short", A, status="skipped", why="not there"), made.cell("one", A)),
    "elsewhere": stored(made.cell("one", "mine"), target="remote", urls={"mine": "http://host:8000"}),
    "gone": stored(replace(made.cell("one", A), scenario="no-such-scenario")),
}


@pytest.mark.parametrize("name", BAD)
def test_a_run_with_less_than_usual_has_a_page_that_says_so(name: str) -> None:
    run = BAD[name]
    if name == "no samples":
        no_samples = pl.DataFrame(schema=run.samples.schema)
        run = Stored.of(run.run, run.requests, no_samples, ())
    html = page_of(run)
    assert "</html>" in html
    for words in {"failed": ("it died",), "skipped": ("skipped: not there",), "elsewhere": ("mine",)}.get(name, ()):
        assert words in html


def test_what_is_said_of_a_run_is_no_markup() -> None:
    html = page_of(stored(made.cell("one", A), made.cell("one", B, status="failed", why="<script>alert(1)</script>")))
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_an_index_links_the_page_of_each_run_and_says_what_it_found() -> None:
    view = judged(asyncpg_fastapi=39, psycopg_flask=39, sqlalchemy_fastapi=100)
    html = index((published("standard", "standard/report.html", view),))
    assert '<a href="standard/report.html">standard</a>' in html
    assert "2 better, 1 equivalent" in html
