"""What a summary warns of, and the commands with which it ends."""

from dataclasses import replace

from bench.record.readings import CpuSeconds
from bench.record.schema import AuditCheck, Run
from bench.report import advice, prose
from bench.report.view import View
from tests.bench import made
from tests.bench.report.stored import stored, view_of

A, B, _ = made.SERVICES
BUSY = CpuSeconds(generator=0.1, service=0.1, postgres=1.5, harness=0.1, other=0.1, available=2.0)


def test_commands_lead_on() -> None:
    view = view_of(stored(made.cell("burst-10", A), made.cell("burst-10", B)))

    assert advice.commands(view, "results/x", details=False) == (
        ("all tables", "bench report results/x --details"),
        ("one scenario", "bench report results/x -x burst-10"),
        ("verdicts", "bench run --profile standard"),
    )
    assert advice.commands(view, "results/x", details=True)[0][0] == "one scenario"


def test_a_run_that_judges_needs_no_more_repetitions() -> None:
    view = view_of(stored(*(made.cell("burst-10", who, nth) for nth in range(10) for who in (A, B))))
    assert [what for what, _ in advice.commands(view, "results/x", details=True)] == ["one scenario"]


def test_a_run_that_was_broken_off_goes_on() -> None:
    view = view_of(stored(made.cell("burst-10", A), services=(A, B)))

    assert list(advice.warnings(view)) == ["broken off: 1 of 2 cells were played"]
    assert ("go on", "the same command with --out results/x --resume") in advice.commands(
        view, "results/x", details=True
    )


def test_what_failed_is_told_three_times_and_then_counted() -> None:
    failed = [made.cell("burst-10", A, nth, status="failed", why="it died\nhere") for nth in range(4)]

    assert list(advice.warnings(view_of(stored(made.cell("burst-10", B), *failed, repeat=1)))) == [
        "failed: burst-10 · asyncpg + FastAPI, repetition 1: it died",
        "failed: burst-10 · asyncpg + FastAPI, repetition 2: it died",
        "failed: burst-10 · asyncpg + FastAPI, repetition 3: it died",
        "4 cells in all failed or were rejected: --details lists them",
    ]


def test_what_was_skipped_or_played_again_is_told() -> None:
    skipped = made.cell("outage-killed", A, status="skipped", why="needs --database-url")
    view = view_of(stored(made.cell("burst-10", A), skipped))
    again = replace(made.cell("burst-10", A), status="rejected", why="late")
    run: Run = replace(view.run, replaced=(again,))

    assert list(advice.warnings(View(run, view.summary, {}))) == [
        "outage-killed · skipped: needs --database-url",
        "1 repetition played again because an audit failed: --details says why",
    ]


def test_a_noisy_machine_is_told_with_what_to_do() -> None:
    noisy = replace(BUSY, postgres=0.1, other=1.4)
    checked = (AuditCheck(name="machine", verdict="noted", detail="busy"),)
    view = view_of(stored(made.cell("one", A, cpu=noisy, load_s=1.0, audit=checked)))

    assert list(advice.warnings(view)) == list(prose.noise(0.7))
