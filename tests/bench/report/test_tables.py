"""What the tables hold."""

from dataclasses import replace
from typing import Any

import pytest

from bench.record.readings import CpuSeconds
from bench.record.schema import Cell
from bench.record.stored import Stored
from bench.report import prose
from bench.report.left_out import failures
from bench.report.overview import overview
from bench.report.table import Table
from bench.report.tables import scenario_table
from bench.report.view import view_of as view_of_metrics
from tests.bench import made
from tests.bench.report.stored import metrics_of, stored, view_of

BUSY = CpuSeconds(generator=0.1, service=0.1, postgres=1.5, harness=0.1, other=0.1, available=2.0)


def repetitions(count: int, **changed: Any) -> list[Cell]:
    return [made.cell(repetition=repetition, **changed) for repetition in range(count)]


def row(table: Table, label: str) -> tuple[str, ...]:
    return next(row for row in table.rows if row[0] == label)


def test_a_whole_table() -> None:
    quick = made.cell("fix-larger-pool", cpu=replace(BUSY, postgres=0.1), load_s=1.0)
    other = replace(quick, service="psycopg_flask")
    failed = replace(quick, service="sqlalchemy_fastapi", status="failed", why="it died\nwith a long log")
    view = view_of(stored(made.cell(), quick, other, failed, services=made.SERVICES))
    assert scenario_table(view, "fix-larger-pool") == Table(
        title="fix-larger-pool",
        question="20 connections that the application holds idle: are all 100 served?",
        about="burst of 100 · hold 100 ms · pool 20 · acquire timeout 1.05 s · tuning equalised "
        "· 1 repetition: not judged",
        headers=("", "forecast", "asyncpg + FastAPI", "psycopg_pool + Flask", "SQLAlchemy + FastAPI"),
        rows=(
            ("", "", "", "", "failed"),
            ("served (of 100)", "100", "100", "100", ""),
            ("… in burst-timeout", "55", "55", "", ""),
            ("rejected", "0", "0", "0", ""),
            ("goodput (1/s)", "200", "200", "200", ""),
            ("goodput ÷ (c/h)", "1", "1.000", "1.000", ""),
            ("acquire p50, all (ms)", "200", "200", "200", ""),
            ("acquire p99, all (ms)", "400", "400", "400", ""),
            ("acquire max, served (ms)", "400", "400", "400", ""),
            ("server queue, p50 (ms)", "", "0", "0", ""),
            ("last answer after (s)", "0.5", "0.500", "0.500", ""),
            ("most waiting", "80", "9", "9", ""),
            ("CPU per request (ms)", "", "1.00", "1.00", ""),
        ),
        notes=("left out: SQLAlchemy + FastAPI, repetition 1: it died",),
    )


def test_the_overview_has_a_line_for_each_scenario() -> None:
    cells = [made.cell("burst-10"), made.cell(), made.cell(service="psycopg_flask", cpu=BUSY, load_s=1.0)]
    cells.append(made.cell("leak-kept", status="failed", why="it died"))
    view = view_of(stored(*cells))
    assert overview(view) == Table(
        title="Overview",
        about="hold 100 ms · tuning equalised · 1 repetition: not judged",
        headers=("scenario", "figure", "forecast", "asyncpg + FastAPI", "psycopg_pool + Flask"),
        rows=(
            ("burst-10", "latency p99, ms", "200", "200", "not run"),
            ("burst-timeout", "served (of 100)", "55", "55", "55 *"),
            ("leak-kept", "served", "", "failed", "not run"),
        ),
        notes=(
            "* CPU-bound: not about the pool, and in no comparison",
            "at a hold of their own, see their tables: leak-kept",
        ),
    )
    assert failures(view) == ("leak-kept · asyncpg + FastAPI, repetition 1: it died",)


def test_what_was_not_served_is_said() -> None:
    table = scenario_table(view_of(stored(made.cell())), "burst-timeout")
    assert row(table, "acquire p99, all (ms)") == ("acquire p99, all (ms)", "> timeout", "> timeout (45 % rejected)")
    assert row(table, "first timeout at (s)") == ("first timeout at (s)", "1.05", "1.05")


@pytest.mark.parametrize(
    ("count", "text", "judged"),
    [
        (1, "1000", "1 repetition: not judged"),
        (4, "1002 [1000–1003]", "4 repetitions: not judged"),
        (5, "1002 (1000–1004)", "5 repetitions: not judged"),
        (9, "1004 (1001–1007)", "9 repetitions: not judged"),
        (10, "1004 (1002–1007)", "10 repetitions"),
    ],
)
def test_spread_interval_and_verdict_come_with_repetitions(count: int, text: str, judged: str) -> None:
    table = scenario_table(view_of(stored(*repetitions(count))), "burst-timeout")
    assert row(table, "acquire max, served (ms)")[2] == text
    assert table.about.endswith(judged)


def test_a_repetition_that_was_lost_is_missing_from_the_verdict() -> None:
    cells = [*repetitions(10), *repetitions(9, service="psycopg_flask")]
    assert scenario_table(view_of(stored(*cells)), "burst-timeout").about.endswith("9 to 10 repetitions: not judged")


def test_cpu_bound_repetitions_are_counted() -> None:
    cells = [*repetitions(2, cpu=BUSY, load_s=1.0), *repetitions(2, service="psycopg_flask")]
    cells[0] = replace(cells[0], cpu=None)
    cells.append(made.cell(service="sqlalchemy_fastapi", cpu=BUSY, load_s=1.0))
    table = scenario_table(view_of(stored(*cells)), "burst-timeout")
    assert row(table, "CPU-bound") == ("CPU-bound", "", "1 of 2", "no", "yes")
    assert table.notes[0].startswith("CPU-bound: the run's own parts used over 60 % of the machine")


def test_a_noisy_machine_is_told() -> None:
    noisy = made.cell(cpu=replace(BUSY, postgres=0.1, other=1.4), load_s=1.0)
    quiet = made.cell("burst-10", cpu=BUSY, load_s=1.0)
    view = view_of(stored(noisy, quiet))
    told = "other programs took up to 70 % of the machine: end them, and run it again"
    assert scenario_table(view, "burst-timeout").notes == (prose.BUSY, told)
    assert [row[0] for row in scenario_table(view, "burst-timeout").rows].count("CPU-bound") == 0
    assert row(scenario_table(view, "burst-timeout"), "machine busy")[2] == "yes"
    assert scenario_table(view, "burst-10").notes[1:] == ()
    assert told in overview(view).notes


def test_what_a_library_ships_above_the_pool_is_said() -> None:
    cell = made.cell(service="sqlalchemy_fastapi", capacity=15)
    table = scenario_table(view_of(stored(cell, tuning="as_shipped", tracing=True)), "burst-timeout")
    assert "tuning as_shipped · tracing on" in table.about
    assert table.notes == ("SQLAlchemy + FastAPI may hand out 15 connections as its library ships",)


def test_whose_leak_is_not_of_the_connection_that_its_handlers_use_is_said_where_it_leaks() -> None:
    cells = [made.cell(name, service="psycopg_django") for name in ("leak-dropped", "burst-timeout")]
    view = view_of(stored(*cells))
    told = "psycopg_pool + Django leaks beside the request's own connection, which Django gives back by itself"
    assert scenario_table(view, "leak-dropped").notes == (told,)
    assert scenario_table(view, "burst-timeout").notes == ()


def test_the_floor_has_no_pool() -> None:
    table = scenario_table(view_of(stored(made.cell("floor"))), "floor")
    assert table.about == "100 in sequence · no connection taken · tuning equalised · 1 repetition: not judged"


def test_a_few_requests_have_no_p99_and_no_cpu_time_of_their_own() -> None:
    cpu = replace(BUSY, postgres=0.1)
    one = scenario_table(view_of(stored(made.cell("one", cpu=cpu, load_s=1.0))), "one")
    assert [row[0] for row in one.rows] == [
        "latency p50, served (ms)",
        "acquire p50, served (ms)",
        "hold as measured, p50 (ms)",
    ]


def test_requests_are_counted_apart_where_stacks_were_sent_different_numbers() -> None:
    run = stored(made.cell("ramp"), made.cell("ramp", service="psycopg_flask"))
    rows = scenario_table(view_of(run), "ramp").rows
    assert rows[0] == ("served (of 1)", "", "1", "1")
    fewer = Stored.of(run.run, run.requests.vstack(run.requests.tail(1)), run.samples, run.events)
    rows = scenario_table(view_of(fewer), "ramp").rows
    assert rows[:2] == (("sent", "", "1", "2"), ("served", "", "1", "2"))


def test_a_scenario_that_left_the_catalogue_still_has_its_table() -> None:
    old = made.cell(scenario="burst-timeout")
    run = stored(replace(old, scenario="burst-of-old"))
    assert row(scenario_table(view_of(run), "burst-of-old"), "served (of 100)")[1:] == ("55", "55")
    assert overview(view_of(run)).rows == (("burst-of-old", "served (of 100)", "55", "55"),)


def elsewhere(*cells: Cell, target: Any = "compose", **plan: Any) -> Stored:
    """The same run on services that were there before."""
    run = stored(*cells, target=target, urls={"asyncpg_fastapi": "http://127.0.0.1:8000"}, **plan)
    environment = replace(run.run.environment, fresh_processes=False, database=None, max_connections=None)
    return replace(run, run=replace(run.run, environment=environment))


@pytest.mark.parametrize("target", ["compose", "remote"])
def test_another_place_than_usual_is_said_in_every_table(target: str) -> None:
    view = view_of(elsewhere(made.cell(), target=target))
    place = f"target: {target}, processes not fresh"
    assert f" · tuning equalised · {place} · 1 repetition" in scenario_table(view, "burst-timeout").about
    assert overview(view).about == f"hold 100 ms · tuning equalised · {place} · 1 repetition: not judged"


def test_what_was_skipped_says_why_and_is_no_failure() -> None:
    why = "needs --database-url"
    skips = [made.cell("burst-timeout-cpu", s, b, status="skipped", why=why) for b in (0, 1) for s in made.SERVICES[:2]]
    view = view_of(elsewhere(*repetitions(2), *repetitions(2, service="psycopg_flask"), *skips))
    table = scenario_table(view, "burst-timeout-cpu")
    assert table.rows == (("", "", "skipped", "skipped"),)
    assert table.notes == (f"skipped: {why}",)
    assert overview(view).rows[1][2:] == ("", "skipped", "skipped")
    assert failures(view) == (f"burst-timeout-cpu · skipped: {why}",)


def test_a_reason_of_some_services_names_them() -> None:
    cells = [
        made.cell("burst-timeout-cpu"),
        made.cell("burst-timeout-cpu", "psycopg_flask", status="skipped", why="it is"),
    ]
    view = view_of(elsewhere(*cells))
    assert failures(view) == ("burst-timeout-cpu · skipped: psycopg_pool + Flask: it is",)


def test_cpu_time_that_nobody_sees_is_no_figure_and_no_accusation() -> None:
    unseen = replace(BUSY, service=None, postgres=None, other=1.6)
    table = scenario_table(view_of(elsewhere(made.cell(cpu=unseen, load_s=1.0))), "burst-timeout")
    assert "CPU per request (ms)" not in [row[0] for row in table.rows]
    assert row(table, "machine busy")[2] == "yes"
    assert table.notes == (f"{prose.BUSY}; services elsewhere, whose CPU time is not seen here, may be among them",)


def test_cpu_time_that_is_seen_of_one_service_stands_beside_an_unknown() -> None:
    seen = replace(BUSY, postgres=0.1)
    other = made.cell(service="psycopg_flask", cpu=replace(seen, service=None), load_s=1.0)
    table = scenario_table(view_of(elsewhere(made.cell(cpu=seen, load_s=1.0), other)), "burst-timeout")
    assert row(table, "CPU per request (ms)")[2:] == ("1.00", "–")


def test_open_load_shows_latency_from_the_plan_and_from_sending() -> None:
    view = view_of(stored(made.cell("poisson-09"), made.cell("tight-loop")))
    table = scenario_table(view, "poisson-09")
    labels = [row[0] for row in table.rows]
    for quantile in ("p50", "p99"):
        at = labels.index(f"latency {quantile}, all (ms)")
        assert table.rows[at + 1] == (f"… from sending, {quantile}, all (ms)", "", "100")
    assert table.notes == ("latency counts from the moment planned for sending, whether or not the generator kept it",)
    assert overview(view).rows[:2] == (
        ("poisson-09", "latency p99, ms", "", "100"),
        ("", "… from sending, ms", "", "100"),
    )
    closed = scenario_table(view, "tight-loop")
    assert not any("from sending" in row[0] for row in closed.rows)
    assert closed.notes == (
        "latency counts from sending: a closed load has no plan, and a slow stack receives fewer requests",
    )


def test_order_and_shares_are_shown() -> None:
    view = view_of(stored(made.cell("tight-loop")))
    table = scenario_table(view, "tight-loop")
    assert row(table, "Jain's index, served per user")[2:] == ("1.000",)
    assert row(table, "overtook another")[2:] == ("0",)
    assert row(table, "from first come first served, mean (ms)")[2:] == ("0",)


@pytest.mark.parametrize(
    ("rejected", "failed", "said"),
    [
        (3, 0, "> timeout (3 % rejected)"),
        (3, 1, "> timeout (3 % rejected, 1 % failed)"),
        (0, 99.6, "none (99 % failed)"),
        (0.4, 0, "> timeout (<1 % rejected)"),
        (100, 0, "> timeout (100 % rejected)"),
        (0, 0, "–"),
    ],
)
def test_a_wait_that_no_connection_ended_says_how_many_were_rejected(rejected: float, failed: float, said: str) -> None:
    run = stored(made.cell())
    metrics = metrics_of(run)
    ((_, values),) = metrics.items()
    values |= {"latency_ms_p99_all": None, "sent": 100, "timed_out": rejected, "failed": failed}

    assert view_of_metrics(run.run, metrics).row("burst-timeout", "latency_ms_p99_all") == (said,)
