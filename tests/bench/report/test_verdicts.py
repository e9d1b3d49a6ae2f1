"""The table of verdicts, and what is said of two stacks in words."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from bench.record.summary import Comparison
from bench.report import words
from bench.report.formats import terminal
from bench.report.render import render
from bench.report.table import Table
from bench.report.verdicts import ALONE, verdict, verdicts
from bench.report.view import View, view_of
from bench.scenarios.catalogue import SCENARIOS
from tests.bench import made
from tests.bench.report.stored import metrics_of, stored
from tests.bench.report.stored import view_of as view_of_run

A, B, C = made.SERVICES


def found(a: str = A, b: str = B, **changed: Any) -> Comparison:
    usual: dict[str, Any] = {"scenario": "one", "metric": "latency_ms_p50_served", "repetitions": 10}
    usual |= {"verdict": "equivalent"}
    return Comparison(a=a, b=b, **usual | changed)


def better(who: str, *percent: float, **changed: Any) -> Comparison:
    middle, low, high = percent
    return found(verdict="better", better=who, percent=middle, percent_low=low, percent_high=high, **changed)


def alike(low: float, high: float, **changed: Any) -> Comparison:
    return found(percent=0.0, percent_low=low, percent_high=high, **changed)


@pytest.mark.parametrize(
    ("compared", "expected"),
    [
        (
            [better(A, 4.21, 3, 12.3, factor="pool"), better(A, 4.21, 3, 12.3, b=C)],
            (
                "pool: asyncpg + FastAPI better than psycopg_pool + Flask by 4.2 % (3.0–12 %)",
                "asyncpg + FastAPI better than SQLAlchemy + FastAPI by 4.2 % (3.0–12 %)",
            ),
        ),
        (
            [alike(-1, 1, factor="front", verdict="undecided", needed=20), alike(-1, 1, b=C)],
            (
                (
                    "front: asyncpg + FastAPI and psycopg_pool + Flask undecided: asyncpg + FastAPI 1.0 % worse to "
                    "1.0 % better, 20 repetitions would decide"
                ),
                "asyncpg + FastAPI and SQLAlchemy + FastAPI equivalent (within 1.0 %)",
            ),
        ),
        ([better(A, 4.21, 3, 12.3)], ("asyncpg + FastAPI better than psycopg_pool + Flask by 4.2 % (3.0–12 %)",)),
        ([better(A, 285, 285, 285)], ("asyncpg + FastAPI better than psycopg_pool + Flask by 285 %",)),
        ([better(B, -4.21, -12.3, -3)], ("psycopg_pool + Flask better than asyncpg + FastAPI by 4.2 % (3.0–12 %)",)),
        (
            [better(A, 60, 50, 70, scale="points", why="90 % and 30 % were served")],
            (
                (
                    "asyncpg + FastAPI better than psycopg_pool + Flask by 60 points "
                    "(50–70 points; 90 % and 30 % were served)"
                ),
            ),
        ),
        (
            [better(B, -74, -74, -74, scale="points", why="100 % and 26 % were served")],
            ("psycopg_pool + Flask better than asyncpg + FastAPI by 74 points (100 % and 26 % were served)",),
        ),
        ([alike(0, 0), alike(0, 0, b=C)], ("equivalent (the same in every repetition)",)),
        ([alike(-0.5, 1.2), alike(-1.41, 1, b=C)], ("equivalent (within 1.4 %)",)),
        ([alike(-0.02, 0, scale="points")], ("equivalent (within 0.1 points)",)),
        (
            [better(A, 4, 3, 12), alike(-1, 1.9, b=C)],
            (
                "asyncpg + FastAPI better than psycopg_pool + Flask by 4.0 % (3.0–12 %)",
                "asyncpg + FastAPI and SQLAlchemy + FastAPI equivalent (within 1.9 %)",
            ),
        ),
        (
            [alike(-3.1, 5, verdict="undecided", needed=40)],
            (
                (
                    "asyncpg + FastAPI and psycopg_pool + Flask undecided: asyncpg + FastAPI 3.1 % worse to "
                    "5.0 % better, 40 repetitions would decide"
                ),
            ),
        ),
        (
            [alike(2, 2, verdict="undecided", scale="points", why="99 % and 97 % were served")],
            (
                (
                    "asyncpg + FastAPI and psycopg_pool + Flask undecided: asyncpg + FastAPI 2.0 points better "
                    "(99 % and 97 % were served), over 100 repetitions to decide"
                ),
            ),
        ),
        ([found(verdict="CPU-bound", why="CPU-bound, not compared")] * 3, ("CPU-bound, not compared",)),
        ([found(verdict="not judged", why="9 of the 10")] * 3, ("not judged: 9 of the 10",)),
        (
            [alike(0, 0), found(b=C, verdict="CPU-bound", why="CPU-bound, not compared")],
            (
                "asyncpg + FastAPI and psycopg_pool + Flask equivalent (the same in every repetition)",
                "asyncpg + FastAPI and SQLAlchemy + FastAPI: CPU-bound, not compared",
            ),
        ),
        ([], (ALONE,)),
    ],
)
def test_what_is_said_of_stacks(compared: list[Comparison], expected: tuple[str, ...]) -> None:
    assert verdict(compared) == expected


def played(repetitions: int, *scenarios: str, services: tuple[str, ...] = (A, B)) -> View:
    cells = [
        made.cell(name, who, repetition) for repetition in range(repetitions) for name in scenarios for who in services
    ]
    return view_of_run(stored(*cells))


def test_a_whole_table() -> None:
    assert verdicts(played(10, "burst-10", "burst-timeout")) == (
        Table(
            title="Verdicts",
            about="pairs within repetitions, on the figure named, at least 10 repetitions; better: by over 2 % of the "
            "worse one (shares: 2 points), corrected over the run; equivalent: the whole 95 % interval, in brackets, "
            "within 2 %; undecided: neither; finds 5 %: how often a planted difference of that size is found in these "
            "repetitions, drawn again; false win: how often one that is not there, at most; a word in front, as "
            "“pool:”, is all in which the two differ",
            headers=("scenario", "figure", "verdict", "finds 5 %", "false win"),
            rows=(
                ("burst-10", "latency p99, ms", "equivalent (the same in every repetition)", "100 %", "< 0.3 %"),
                ("burst-timeout", "served (of 100)", "equivalent (the same in every repetition)", "100 %", "< 0.3 %"),
            ),
        ),
    )


def test_the_table_of_one_scenario() -> None:
    (table,) = verdicts(played(10, "burst-10", "burst-timeout"), "burst-timeout")
    assert [row[0] for row in table.rows] == ["burst-timeout"]


@pytest.mark.parametrize("repetitions", [1, 9])
def test_what_judges_nothing_has_no_table(repetitions: int) -> None:
    assert verdicts(played(repetitions, "burst-10")) == ()


def test_a_wide_interval_comes_with_advice() -> None:
    run = stored(*(made.cell("one", A, repetition) for repetition in range(10)))
    metrics = metrics_of(run)
    for key, values in metrics.items():
        metrics[key] = {**values, "latency_ms_p50_served": 100.0 + 5 * (key[2] % 2)}
    (table,) = verdicts(view_of(run.run, metrics))
    assert table.rows == (("one", "latency p50, ms", ALONE, "", ""),)
    assert table.notes == ("one, asyncpg + FastAPI: spread ±2.4 %: use --repeat 20 or a quieter machine",)


def test_pools_alone_are_called_by_their_own_names() -> None:
    (clause, _) = verdict([better(A, 4.21, 3, 12.3), alike(0, 0)], partial(words.stack, layer="pool"))
    assert clause == "asyncpg.Pool better than psycopg_pool by 4.2 % (3.0–12 %)"


def test_what_nobody_played_is_no_verdict() -> None:
    finished = [made.cell("burst-10", who, repetition) for repetition in range(10) for who in (A, B)]
    skipped = [made.cell("several-short", who, status="skipped", why="not there") for who in (A, B)]
    (table,) = verdicts(view_of_run(stored(*finished, *skipped)))
    assert [row[2] for row in table.rows] == ["equivalent (the same in every repetition)", "skipped"]


def test_one_line_of_advice_for_stacks_that_vary_alike() -> None:
    (table,) = verdicts(varied("one", lambda repetition: 100.0 + 50 * (repetition % 2)))
    (line,) = table.notes
    assert line.startswith("one, asyncpg + FastAPI, psycopg_pool + Flask: spread ±20 %: use a quieter machine;")


def test_arrivals_that_differ_by_forecast_are_not_blamed_on_the_machine() -> None:
    def foretold(repetition: int) -> float:
        return 200.0 + 10 * repetition

    view = varied("poisson-09", foretold)
    cells = [
        replace(cell, forecast=replace(cell.forecast, acquire_ms_p99=foretold(cell.repetition)))
        for cell in view.run.cells
    ]
    (table,) = verdicts(View(replace(view.run, cells=tuple(cells)), view.summary, {}))
    (line,) = table.notes
    assert line.startswith("poisson-09, asyncpg + FastAPI, psycopg_pool + Flask: spread ±")
    assert line.endswith(": arrivals differ between repetitions; compare within them")
    assert ", by forecast ±" in line
    (table,) = verdicts(view)
    (line,) = table.notes
    assert "by forecast" not in line


def varied(scenario: str, of_repetition: Callable[[int], float]) -> View:
    """Two stacks alike, whose primary metric has this value in each repetition."""
    run = stored(*(made.cell(scenario, who, repetition) for repetition in range(10) for who in (A, B)))
    metrics = metrics_of(run)
    for key, values in metrics.items():
        metrics[key] = {**values, SCENARIOS[scenario].primary: of_repetition(key[2])}
    return view_of(run.run, metrics)


def test_the_table_stands_in_every_report() -> None:
    cells = [
        made.cell(name, who, repetition) for repetition in range(10) for name in SCENARIOS for who in made.SERVICES
    ]
    view = view_of_run(stored(*cells))
    assert "\nVerdicts\npairs within repetitions" in terminal.details(view)
    markdown = render(view, "md")
    assert markdown.index("\n## Overview\n") < markdown.index("\n## Verdicts\n") < markdown.index("\n## floor\n")
