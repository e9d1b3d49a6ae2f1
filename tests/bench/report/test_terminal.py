"""What a terminal shows: the summary, which stands last, and all tables above it."""

from dataclasses import replace

import click
import pytest

from bench.report.formats import terminal
from bench.report.screen import Screen
from bench.report.view import View
from bench.scenarios.catalogue import SCENARIOS
from tests.bench import made
from tests.bench.report.stored import stored, view_of

A, B, C = made.SERVICES


def everything(repetitions: int) -> View:
    cells = [
        made.cell(scenario, service, repetition)
        for repetition in range(repetitions)
        for scenario in SCENARIOS
        for service in made.SERVICES
    ]
    return view_of(stored(*cells))


@pytest.mark.parametrize("repetitions", [1, 5])
def test_no_line_is_wider_than_the_screen(repetitions: int) -> None:
    view = everything(repetitions)
    for width in (60, 80, 120):
        for text in (terminal.summary(view, Screen(width=width)), terminal.details(view, Screen(width=width))):
            assert max(map(len, text.splitlines())) <= width


def test_a_whole_summary() -> None:
    assert (
        terminal.summary(view_of(stored(made.cell(), made.cell(service=B), services=(A, B))), directory="results/mine")
        == """\
Some CPU, 2 cores, 7.8 GB, Linux 6.1 x86_64, Python 3.11.2
PostgreSQL 18.4 (embedded), asyncpg 0.32.0, psycopg 3.3.9
2026-11-23T10:00:00Z, commit 0123abc: 1 repetition of 1 scenario on 2 services,
took 0 s

quick · hold 100 ms · tuning equalised · 1 repetition: not judged

scenario       figure           forecast  asyncpg +  psycopg_pool +
                                            FastAPI           Flask
-------------  ---------------  --------  ---------  --------------
burst-timeout  served (of 100)        55         55              55

results       results/mine
all tables    bench report results/mine --details
one scenario  bench report results/mine -x burst-timeout
verdicts      bench run --profile standard
"""
    )


def test_verdicts_and_warnings_stand_between_the_table_and_the_commands() -> None:
    cells = [made.cell("burst-10", who, repetition) for repetition in range(10) for who in (A, B)]
    skipped = made.cell("outage-killed", A, status="skipped", why="needs --database-url")
    text = terminal.summary(view_of(stored(*cells, skipped, repeat=1)))

    assert text[text.index("Verdicts") :] == (
        """\
Verdicts
  equivalent  burst-10

Warnings
- outage-killed · skipped: asyncpg + FastAPI: needs --database-url

all tables    bench report DIR --details
one scenario  bench report DIR -x burst-10
verdicts      bench run --profile standard
"""
    )


def test_details_end_with_the_summary() -> None:
    view = view_of(stored(made.cell(), made.cell(service=B)))
    summary, details = terminal.summary(view), terminal.details(view)

    machine, _, glance = summary.partition("\n\n")
    assert details.startswith(f"{machine}\n\nburst-timeout\n100 requests at once")
    assert details.endswith(glance.replace("all tables    bench report DIR --details\n", ""))
    for title in ("Measured less forecast", "How to read this"):
        assert details.count(f"\n\n{title}\n") == 1


def test_intervals_are_shown_where_there_is_room() -> None:
    view = view_of(stored(*(made.cell("burst-10", who, nth) for nth in range(5) for who in made.SERVICES)))

    assert "200 (200–201)" in terminal.summary(view, Screen(width=120))
    assert "200 (200–201)" not in terminal.summary(view, Screen(width=60))


def test_colours_change_no_column() -> None:
    failed = made.cell("burst-timeout", B, status="failed", why="it died")
    cells = [made.cell("burst-10", who, nth) for nth in range(10) for who in (A, B)]
    view = view_of(stored(*cells, made.cell("burst-timeout", A), replace(failed, audit=())))
    plain, coloured = (terminal.summary(view, Screen(colour=colour)) for colour in (False, True))

    assert click.unstyle(coloured) == plain
    assert click.style("failed", fg="red") in coloured
    assert click.unstyle(plain) == plain
