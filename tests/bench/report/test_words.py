"""Names of stacks."""

from bench.report import words


def test_a_service_that_nobody_knows_keeps_its_name() -> None:
    assert words.stack("mine") == "mine"


def test_a_stack_that_is_played_twice_is_told_apart() -> None:
    assert words.stack("psycopg_flask") == "psycopg_pool + Flask"
    assert words.stack("psycopg_flask-2") == words.stack("psycopg_flask-again") == "psycopg_pool + Flask (2)"
    assert words.stack("mine-12") == "mine-12"


def test_columns_of_one_stack_are_told_apart_by_what_differs() -> None:
    locked, other = "SQLAlchemy + FastAPI, sqlalchemy 2.1.9, asyncpg 0.32.0", "SQLAlchemy + FastAPI, sqlalchemy 2.1.9"
    assert words.apart(locked, f"{other}, asyncpg 0.31.0") == ("asyncpg 0.32.0", "asyncpg 0.31.0")
    assert words.apart("psycopg_pool + Flask", "psycopg_pool + Flask (2)") == (
        "psycopg_pool + Flask",
        "psycopg_pool + Flask (2)",
    )
