"""The picture of a scenario: a column for each stack, from stored samples alone."""

import re

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from bench.errors import UserError
from bench.record.stored import Stored
from bench.report import chart as module
from bench.report.chart import chart
from tests.bench import made
from tests.bench.report.stored import stored


def drawn(monkeypatch: pytest.MonkeyPatch, *services: str) -> Figure:
    """The figure behind the picture."""
    figures: list[Figure] = []

    def keep(figure: Figure, *_: object, **__: object) -> None:
        figures.append(figure)

    monkeypatch.setattr(Figure, "savefig", keep)
    chart(stored(*(made.cell("burst-10", service) for service in services)), "burst-10")
    return figures[0]


def test_a_column_for_each_stack_and_a_row_for_each_question(monkeypatch: pytest.MonkeyPatch) -> None:
    axes = drawn(monkeypatch, *made.SERVICES).axes

    assert len(axes) == len(module.ROWS) * len(made.SERVICES)
    assert [axis.get_title() for axis in axes[:3]] == [
        "asyncpg + FastAPI",
        "psycopg_pool + Flask",
        "SQLAlchemy + FastAPI",
    ]
    assert [axis.get_ylabel() for axis in axes[::3]] == list(module.ROWS)


def test_each_request_is_a_dot_at_the_end_of_its_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    acquire = drawn(monkeypatch, "asyncpg_fastapi").axes[2]
    served = next(line for line in acquire.get_lines() if line.get_label() == "got one")

    assert np.round(np.asarray(served.get_ydata()), 3).tolist() == [0] * 5 + [0.1] * 5


def test_the_same_run_gives_the_same_bytes() -> None:
    run = stored(made.cell("burst-10"), made.cell("burst-10", "psycopg_flask"))

    first = chart(run, "burst-10")

    assert first.startswith(b"<?xml")
    assert first == chart(run, "burst-10")
    assert not re.search(rb"<dc:date>", first)
    assert chart(run, "burst-10", "png").startswith(b"\x89PNG")


def test_what_was_not_played_cannot_be_drawn() -> None:
    with pytest.raises(UserError, match="no ramp to draw: it has burst-10"):
        chart(stored(made.cell("burst-10"), made.cell("ramp", status="failed")), "ramp")


def test_what_the_database_failed_is_told_from_what_found_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    run = stored(made.cell("outage-killed"), made.cell("outage-killed", "psycopg_flask"))
    cut = pl.col("service") == "asyncpg_fastapi"
    failing = run.requests.with_columns(
        pl.when(cut).then(503).otherwise("status").alias("status"),
        pl.when(cut).then(pl.lit("database_unavailable")).otherwise("error").alias("error"),
    )
    ended = tuple(made.event(cell, 1.0, "backends_ended", "5 backends ended") for cell in run.run.cells)
    figures: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: figures.append(figure))

    chart(Stored.of(run.run, failing, run.samples, ended), "outage-killed")

    connections, _, _, answers = figures[0].axes[1::2]
    told = answers.get_legend()
    assert told is not None
    assert [text.get_text() for text in told.get_texts()][-1] == "database failed (503)"
    assert "backends ended" in [line.get_label() for line in connections.get_lines()]
