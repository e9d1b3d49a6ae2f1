"""Contrast by scenario, from comparisons made by hand."""

from dataclasses import replace
from typing import Any

from bench.record.summary import Comparison, Summary
from bench.report.matrix import matrix, matrix_table
from bench.report.view import View
from tests.bench import made

ASYNCPG, PSYCOPG, SQLALCHEMY = made.SERVICES
SCENARIOS = ("floor", "one", "burst-50")


def comparison(scenario: str, a: str, b: str, **changed: Any) -> Comparison:
    usual: dict[str, Any] = {"metric": "ok", "repetitions": 10, "verdict": "equivalent", "scale": "points"}
    return Comparison(scenario=scenario, a=a, b=b, **usual | changed)


def view(*compared: Comparison) -> View:
    cells = [made.cell(name, service) for name in SCENARIOS for service in made.SERVICES]
    run = made.run(cells, services=made.SERVICES, scenarios=SCENARIOS)
    summary = Summary(schema=run.schema, cells=(), comparisons=compared)
    return View(replace(run), summary, {})


def test_those_that_name_a_factor_stand_first_and_say_which_side_of_it_is_better() -> None:
    better: dict[str, Any] = {"verdict": "better", "percent": 74.0, "percent_low": 70.0, "percent_high": 75.0}
    found = matrix(
        view(
            comparison("one", ASYNCPG, PSYCOPG, better=PSYCOPG, **better),
            comparison("one", ASYNCPG, SQLALCHEMY, factor="pool", better=SQLALCHEMY, **better),
            comparison("burst-50", ASYNCPG, SQLALCHEMY, factor="pool", verdict="undecided"),
        )
    )

    assert found is not None
    assert found.scenarios == ("one", "burst-50")
    pool, stacks = found.lines
    assert (pool.a, pool.b, pool.differs, pool.factor) == (ASYNCPG, SQLALCHEMY, "pool", True)
    assert [entry and (entry.verdict, entry.text) for entry in pool.entries] == [
        ("better", "SQLAlchemy 74 points"),
        ("undecided", "undecided"),
    ]
    assert (stacks.differs, stacks.factor) == ("pool, driver, front, server, concurrency", False)
    assert [entry and entry.text for entry in stacks.entries] == ["psycopg_pool + Flask 74 points", None]
    assert found.notes == (
        "SQLAlchemy's engine and SQL layer come with its pool.",
        "Where several things differ, a verdict says which stack is better, and not what makes it so.",
    )


def test_a_scenario_in_which_nothing_is_judged_has_no_column() -> None:
    found = matrix_table(
        view(
            comparison("floor", ASYNCPG, SQLALCHEMY, verdict="not judged", factor="pool"),
            comparison("one", ASYNCPG, SQLALCHEMY, factor="pool"),
            comparison("one", ASYNCPG, PSYCOPG),
        )
    )

    assert found is not None
    assert found.headers == ("what differs", "stacks", "one")
    assert found.rows[0] == ("pool", "asyncpg + FastAPI / SQLAlchemy + FastAPI", "equivalent")


def test_one_contrast_or_none_that_is_judged_is_no_matrix() -> None:
    assert matrix(view(comparison("one", ASYNCPG, PSYCOPG))) is None
    assert matrix(view(*(comparison("one", ASYNCPG, b, verdict="not judged") for b in (PSYCOPG, SQLALCHEMY)))) is None
    assert matrix(view()) is None
