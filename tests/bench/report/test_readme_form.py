"""The small tables of the README."""

from bench.report.formats import readme
from bench.report.view import view_of as view_of_metrics
from tests.bench import made
from tests.bench.report.stored import metrics_of, stored, view_of

A, B, C = made.SERVICES


def rows(text: str) -> dict[str, list[str]]:
    """Label → its figures, the forecast first."""
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")
    ]
    return {label: figures for label, *figures in lines if not label.startswith(":")}


def test_a_table_has_medians_alone_and_the_forecast() -> None:
    text = readme.report(view_of(stored(*(made.cell("burst-timeout", who) for who in made.SERVICES))))
    assert rows(text) == {"": ["forecast", "asyncpg", "psycopg_pool", "SQLAlchemy"], "100 at once: served": ["55"] * 4}
    assert text.startswith("**Exhaustion**\n\n|")
    assert "**Leaks**" not in text
    assert "Medians of 1 repetition, hold 100 ms, tuning equalised, PostgreSQL 18.4, 2 cores, 2026-11-23." in text


def test_what_is_better_than_another_and_worse_than_none_is_bold() -> None:
    run = stored(*(made.cell("leak-dropped", who, nth) for nth in range(10) for who in made.SERVICES))
    served = {A: 39, B: 60, C: 150}
    metrics = {
        key: {**values, "ok": served[key[1]], "share_served": served[key[1]] / 150}
        for key, values in metrics_of(run).items()
    }
    found = rows(readme.report(view_of_metrics(run.run, metrics)))
    assert found["references dropped: served"] == ["", "39", "60", "**150**"]


def test_what_was_not_played_says_so() -> None:
    cells = [made.cell("burst-timeout", A), made.cell("burst-timeout", B, status="failed", why="it died")]
    assert rows(readme.report(view_of(stored(*cells))))["100 at once: served"] == ["55", "55", "failed"]
