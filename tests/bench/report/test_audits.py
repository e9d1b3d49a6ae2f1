"""What reports say of audits."""

from dataclasses import replace

from bench.record.readings import SamplerEffect
from bench.record.schema import AuditCheck, Cell
from bench.record.stored import Stored
from bench.report import audits, prose
from bench.report.formats import terminal
from bench.report.left_out import failures
from bench.report.overview import overview
from bench.report.render import Format, render
from bench.report.screen import USUAL
from bench.report.tables import scenario_table
from tests.bench import made
from tests.bench.report.stored import stored, view_of

A, B, _ = made.SERVICES
PASSED = AuditCheck(name="counts", verdict="passed", detail="55 acquired")
NOTED = AuditCheck(name="machine", verdict="noted", detail="other programs took 12% of the machine")
FAILED = AuditCheck(name="machine", verdict="failed", detail="other programs took 40% of the machine: end them")
UNSEEN = AuditCheck(name="statements", verdict="not checked", detail="no database")
WHY = f"audit, machine: {FAILED.detail}"
EFFECT = SamplerEffect(
    scenario="burst-10",
    service=A,
    repetition=0,
    primary="latency_ms_p99_all",
    primary_with=203.81,
    primary_without=203.6,
    goodput_with_per_s=49.07,
    goodput_without_per_s=None,
)


def cell(service: str, *checks: AuditCheck, repetition: int = 0, **changed: object) -> Cell:
    return made.cell("burst-10", service, repetition, audit=checks, **changed)


def text(run: Stored, form: Format) -> str:
    return terminal.details(view_of(run)) if form == "terminal" else render(view_of(run), form)


def rejected() -> Stored:
    """Two repetitions; in the second, the second service is rejected after it was played again."""
    cells = [
        cell(A, PASSED, UNSEEN, NOTED),
        cell(B, PASSED, UNSEEN, NOTED),
        cell(A, PASSED, UNSEEN, replace(NOTED, detail="more"), repetition=1, attempt=2),
        cell(B, PASSED, UNSEEN, FAILED, repetition=1, attempt=2, status="rejected", why=WHY),
    ]
    run = stored(*cells)
    first = tuple(replace(each, attempt=1, status="rejected", why="audit, schedule: late") for each in cells[3:])
    passed = replace(cells[2], attempt=1)
    return replace(run, run=replace(run.run, replaced=(passed, *first), sampler_effect=EFFECT))


def test_a_row_for_each_check_and_a_column_for_each_stack() -> None:
    assert audits.table_rows(view_of(rejected())) == (
        ("counts", "2 passed", "2 passed"),
        ("statements", "2 not checked", "2 not checked"),
        ("machine", "2 noted", "1 noted, 1 failed"),
    )
    assert audits.summary(view_of(rejected())) == "4 cells, 12 checks: 4 passed, 3 noted, 1 failed, 4 not checked"


def test_what_failed_or_is_noted_is_told_with_its_figures_and_what_was_not_checked_with_why() -> None:
    sampler = (
        "the sampler (burst-10, asyncpg + FastAPI): goodput with 49.07/s, without –/s; "
        "latency p99, all (ms) with 203.8, without 203.6"
    )
    assert audits.details(view_of(rejected())) == (
        f"failed: machine · burst-10 · psycopg_pool + Flask: {FAILED.detail}",
        f"noted: machine · burst-10 · asyncpg + FastAPI, first of 3 cells: {NOTED.detail}",
        "not checked: statements (burst-10): no database",
        sampler,
    )


def test_what_was_played_again_is_named_with_its_reason() -> None:
    said = "played again: burst-10, repetition 2, because of psycopg_pool + Flask: audit, schedule: late"

    assert list(audits.played_again(view_of(rejected()))) == [said]
    assert list(audits.played_again(view_of(rejected()), "one")) == []
    for form in ("terminal", "md"):
        assert said in " ".join(text(rejected(), form).split()), form


def test_a_repetition_that_was_played_again_twice_is_one_line() -> None:
    run = rejected()
    second = replace(run.run.replaced[-1], attempt=2, why="audit, clock: no")
    twice = replace(run, run=replace(run.run, replaced=(*run.run.replaced, second)))

    assert list(audits.played_again(view_of(twice))) == [
        "played again: burst-10, repetition 2, 2 times, first because of psycopg_pool + Flask: audit, schedule: late"
    ]


def test_a_rejected_cell_is_left_out_in_every_format() -> None:
    for form in ("terminal", "md"):
        assert f"psycopg_pool + Flask, repetition 2: {WHY}" in " ".join(text(rejected(), form).split()), form
    assert '"service": "psycopg_flask", "repetitions": 1' in text(rejected(), "json")


def test_a_stack_that_was_rejected_throughout_has_no_figure() -> None:
    lost = AuditCheck(name="counts", verdict="failed", detail="one was lost")
    run = stored(cell(A, PASSED), cell(B, FAILED, lost, status="rejected", why=WHY))
    assert view_of(run).absent("burst-10", B) == "rejected"
    assert view_of(run).row("burst-10", "ok") == ("10", "")


def test_a_stack_that_a_busy_machine_disturbed_throughout_has_marked_figures() -> None:
    run = stored(cell(A, PASSED), cell(B, FAILED, status="rejected", why=WHY))

    seen = view_of(run)

    assert overview(seen).rows == (("burst-10", "latency p99, ms", "200", "200", "200 †"),)
    assert overview(seen).notes == (f"† {prose.BUSY}",)
    table = scenario_table(seen, "burst-10")
    assert table.rows[0] == ("", "", "", "machine busy")
    assert table.rows[1] == ("served (of 10)", "10", "10", "10")
    assert table.rows[-1] == ("machine busy", "", "no", "yes")
    assert table.notes == (
        prose.BUSY,
        "every repetition of psycopg_pool + Flask was disturbed so: shown all the same, without an interval",
    )
    marked = f"shown with a mark: burst-10 · psycopg_pool + Flask, repetition 1: {WHY}"
    assert failures(seen) == (marked,)
    for form in ("terminal", "md"):
        assert marked in " ".join(text(run, form).split()), form


def test_where_nothing_is_played_again_a_busy_machine_marks_the_figures_too() -> None:
    seen = view_of(stored(cell(A, PASSED), cell(B, FAILED)))

    assert overview(seen).rows == (("burst-10", "latency p99, ms", "200", "200", "200 †"),)
    assert failures(seen) == ()


def test_in_a_terminal_it_is_one_line_where_nothing_is_worth_knowing() -> None:
    clean = stored(cell(A, PASSED, UNSEEN), cell(B, PASSED, UNSEEN))

    assert "\nAudit: 2 cells, 4 checks: 2 passed, 2 not checked\n" in text(clean, "terminal")
    assert "\nAudit\n4 cells, 12 checks" in text(rejected(), "terminal")
    assert max(map(len, text(rejected(), "terminal").splitlines())) <= USUAL


def test_markdown_has_the_table() -> None:
    row = "| machine    | 2 noted           | 1 noted, 1 failed    |"

    assert "## Audit\n\n4 cells, 12 checks: " in text(rejected(), "md")
    assert row in text(rejected(), "md")


def test_a_run_without_audits_says_nothing_of_them() -> None:
    for form in ("terminal", "md"):
        assert "udit" not in text(stored(cell(A)), form), form
