"""A run over real services: its order, its records, and what becomes of a service that dies."""

import os
import signal
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path

import polars as pl
import psycopg
import pytest

from bench.check import check
from bench.faults.timeline import Timeline
from bench.postgres.database import Database
from bench.record.schema import Cell, Plan, Reading, Run
from bench.record.store import Store, load
from bench.run import cell as cell_module
from bench.run.cell import Played
from bench.run.checks import CHECK_ESTIMATE_S
from bench.run.conditions import Mismatch, compare, refuse_lost
from bench.run.environment import describe
from bench.run.loop import run
from bench.run.matrix import estimate_s, planned_cells
from bench.run.progress import Progress, duration
from bench.run.results import Results
from bench.targets.http import Client
from bench.targets.process import LocalService
from bench.targets.target import Target
from services.common import contract
from tests.bench import made

pytestmark = pytest.mark.long

SERVICES = made.SERVICES


def plan(*scenarios: str, services: tuple[str, ...] = SERVICES, repeat: int = 1, hold_ms: int = 50) -> Plan:
    return Plan(
        profile="smoke",
        tuning="equalised",
        tracing=False,
        hold_ms=hold_ms,
        repeat=repeat,
        seed=1,
        services=services,
        scenarios=scenarios,
    )


def play(plan: Plan, database: Database, directory: Path) -> tuple[Store, str]:
    cells = planned_cells(plan)
    said = StringIO()
    checks = [CHECK_ESTIMATE_S] * len({name.removesuffix("-again") for name in plan.services})
    progress = Progress(checks + [estimate_s(cell) for cell in cells], said)
    store = Store(directory)
    run(plan, describe(database, "given"), Target(database, local=False), None, progress, Results(store).add)
    return store, said.getvalue()


def test_services_take_turns_in_being_first() -> None:
    cells = planned_cells(plan("one", "burst-10", repeat=4))

    first = [
        [cell.service for cell in cells if (cell.repetition, cell.scenario) == (repetition, "one")]
        for repetition in range(4)
    ]
    a, b, c = SERVICES
    assert first == [[a, b, c], [b, c, a], [c, a, b], [a, b, c]]
    assert len({cell.key for cell in cells}) == len(cells) == 4 * 2 * 3


def test_services_of_a_repetition_meet_the_same_seed_and_repetitions_another() -> None:
    cells = planned_cells(plan("burst-10", repeat=3))

    assert len({cell.seed for cell in cells}) == 3
    assert {
        repetition: len({cell.seed for cell in cells if cell.repetition == repetition}) for repetition in range(3)
    } == {
        0: 1,
        1: 1,
        2: 1,
    }


@pytest.fixture
def checked_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Services are looked at before they are measured, and not for long."""
    monkeypatch.setattr("bench.run.checks.check", partial(check, only=["health"]))


@pytest.mark.usefixtures("checked_briefly")
def test_a_run_leaves_every_request_and_what_was_in_force(database: Database, tmp_path: Path) -> None:
    store, said = play(plan("burst-10", "burst-timeout", services=SERVICES[:2]), database, tmp_path / "run")

    stored = load(store.directory)
    assert {cell.status for cell in stored.run.cells} <= {"ok", "rejected"}
    # What the audit may hold against this machine, it never holds against a service.
    verdicts = {(finding.name, finding.verdict) for cell in stored.run.cells for finding in cell.audit}
    services = {pair for pair in verdicts if pair[0] not in ("schedule", "cpu", "machine")}
    assert services == {
        (name, "passed") for name in ("counts", "integrals", "statements", "backends", "settings", "clock", "rest")
    }
    assert stored.requests.height == 2 * (10 + 100)
    assert set(stored.requests.filter(stored.requests["scenario"] == "burst-10")["status"]) == {200}
    for cell in stored.run.cells:
        assert cell.settings is not None
        assert cell.settings["pool_max_size"] == cell.settings["pool_min_size"] == 5
        assert cell.settings["pool_acquire_timeout"] == cell.acquire_timeout_s
        assert cell.settings["work_time_ms"] == 50
        assert cell.skew_ms is not None
        samples = stored.samples.filter(
            (stored.samples["scenario"] == cell.scenario) & (stored.samples["service"] == cell.service)
        )
        assert samples.height >= 2
        assert samples["backends"].max() == 5
    assert "keeps the contract" in said
    assert " left" in said.splitlines()[0]


@pytest.mark.usefixtures("checked_briefly")
def test_a_service_that_dies_is_one_failed_cell(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim: list[LocalService] = []
    start, begin = LocalService.start, Timeline.start

    def remember(self: LocalService) -> None:
        victim.append(self)
        start(self)

    def kill(self: Timeline, t0: float) -> None:
        if len(victim) == 2:  # the first one was checked, the second plays the first cell
            for process in victim[-1].processes():
                process.kill()
        begin(self, t0)

    monkeypatch.setattr(LocalService, "start", remember)
    monkeypatch.setattr(Timeline, "start", kill)

    store, said = play(plan("ramp", "one", services=("psycopg_flask",)), database, tmp_path / "run")

    failed, ok = load(store.directory).run.cells
    assert (failed.scenario, failed.status) == ("ramp", "failed")
    assert failed.why == "psycopg_flask died under the load"
    assert failed.log_tail is not None
    assert "Starting gunicorn" in failed.log_tail
    assert (ok.scenario, ok.status) == ("one", "ok")
    assert "ramp · psycopg_flask · failed: psycopg_flask died under the load" in said


@pytest.mark.usefixtures("checked_briefly")
def test_a_worker_that_its_arbiter_replaces_is_a_failed_cell(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address answers again, with another pool and other totals."""
    begin = Timeline.start

    def kill(self: Timeline, t0: float) -> None:
        with Client(self._base_url) as client:
            os.kill(client.get(contract.STATS)["worker_pid"], signal.SIGKILL)
        begin(self, t0)

    monkeypatch.setattr(Timeline, "start", kill)

    store, _ = play(plan("ramp", services=("psycopg_flask",)), database, tmp_path / "run")

    (failed,) = load(store.directory).run.cells
    assert (failed.status, failed.why) == ("failed", "psycopg_flask was started again under the load")
    assert failed.log_tail is not None
    assert "Booting worker" in failed.log_tail


@pytest.mark.usefixtures("checked_briefly")
def test_a_database_that_takes_no_more_connections_is_a_failed_cell(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise psycopg.OperationalError("too many connections")

    monkeypatch.setattr(cell_module, "Sampler", refused)

    store, _ = play(plan("one", services=("asyncpg_fastapi",)), database, tmp_path / "run")

    assert [(cell.status, cell.why) for cell in load(store.directory).run.cells] == [("failed", "too many connections")]


@pytest.mark.usefixtures("checked_briefly")
def test_a_service_against_itself_is_two_columns_of_fresh_processes(database: Database, tmp_path: Path) -> None:
    names = ("psycopg_flask", "psycopg_flask-again")
    store, said = play(plan("burst-10", services=names), database, tmp_path / "run")

    stored = load(store.directory)
    assert [(cell.service, cell.status) for cell in stored.run.cells] == [(name, "ok") for name in names]
    assert [cell.settings and cell.settings["service"] for cell in stored.run.cells] == [
        "psycopg_flask",
        "psycopg_flask",
    ]
    # Ten requests at once, and eight for probes, under either name.
    assert [cell.settings and cell.settings["threads"] for cell in stored.run.cells] == [18, 18]
    assert stored.samples.group_by("service").agg(pl.col("backends").max()).sort("service").rows() == [
        (name, 5) for name in names
    ]
    assert said.count("check · ") == 1


@pytest.mark.usefixtures("checked_briefly")
def test_settings_that_are_not_in_force_fail_the_cell(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        cell_module,
        "compare",
        lambda in_force, _, __: compare(in_force, None, {"work_time_ms": 7}),
    )

    store, _ = play(plan("one", services=("asyncpg_fastapi",)), database, tmp_path / "run")

    (failed,) = load(store.directory).run.cells
    assert failed.why == "work_time_ms is 50 in force, and 7 was asked for"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (80, "1 min 20 s"), (3599, "59 min 59 s"), (3720, "1 h 02 min")]
)
def test_durations_are_said_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_progress_learns_how_wrong_the_estimates_are(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("bench.run.progress.monotonic", lambda: now[0])
    said = StringIO()
    progress = Progress([1.0, 1.0, 2.0], said)

    now[0] = 2.0
    progress.done("a", estimate_s=1.0)
    now[0] = 4.0
    progress.done("b", estimate_s=1.0)
    now[0] = 8.0
    progress.done("c", estimate_s=2.0)

    assert said.getvalue().splitlines() == ["[1/3] a · 6 s left", "[2/3] b · 4 s left", "[3/3] c"]


def test_a_cell_s_key_is_its_place_in_the_matrix() -> None:
    cell: Cell = planned_cells(plan("one"))[0]
    assert cell.key == ("one", "asyncpg_fastapi", 0)


@pytest.fixture
def without_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell is served at once."""
    monkeypatch.setattr("bench.run.loop._executor", lambda *_: nullcontext())
    monkeypatch.setattr("bench.run.loop.check_services", lambda *_: iter(()))
    monkeypatch.setattr("bench.run.loop._conditions", lambda *_: None)
    monkeypatch.setattr("bench.run.loop._play", lambda cell, *_, **__: Played(cell))


def repetitions_of(
    plan: Plan, done: tuple[Cell, ...], least: dict[str, int]
) -> tuple[dict[tuple[str, str], list[int]], list[str]]:
    """(scenario, service) → the repetitions that a run goes on to play, where a scenario needs at least so many
    repetitions."""

    def enough(run: Run, scenario: str) -> bool:
        return len({cell.repetition for cell in run.cells if cell.scenario == scenario}) >= least[scenario]

    said = StringIO()
    cells = [cell for cell in planned_cells(plan) if cell.key not in {each.key for each in done}]
    progress = Progress([estimate_s(cell) for cell in cells], said)
    target, before = Target(None, local=True), made.run(done)
    ended = run(plan, made.ENVIRONMENT, target, before, progress, lambda *_: None, enough)
    played: dict[tuple[str, str], list[int]] = {}
    for cell in ended.cells[len(done) :]:
        played.setdefault((cell.scenario, cell.service), []).append(cell.repetition)
    return played, said.getvalue().splitlines()


@pytest.mark.usefixtures("without_processes")
def test_a_scenario_that_is_certain_is_played_no_further_and_the_others_are() -> None:
    asked = plan("one", "burst-10", "floor", services=SERVICES[:2], repeat=14)
    played, said = repetitions_of(asked, (), {"one": 1, "burst-10": 12, "floor": 99})
    assert played == {
        (scenario, service): list(range(repetitions))
        for scenario, repetitions in (("one", 10), ("burst-10", 12), ("floor", 14))
        for service in SERVICES[:2]
    }
    assert said[-1].startswith("[72/72] floor")


@pytest.mark.usefixtures("without_processes")
def test_a_repetition_that_was_begun_is_ended_after_a_resume() -> None:
    asked = plan("one", services=SERVICES[:2], repeat=14)
    cells = planned_cells(asked)
    whole, begun = tuple(cells[:20]), tuple(cells[:21])
    assert repetitions_of(asked, whole, {"one": 10}) == ({}, [])
    played, _ = repetitions_of(asked, begun, {"one": 10})
    assert played == {("one", SERVICES[1]): [10]}


@pytest.mark.usefixtures("without_processes")
def test_a_run_removes_the_samples_that_a_killed_one_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / "poolbench-samples-left"
    left.mkdir()
    (left / "requests").touch()

    repetitions_of(plan("one"), (), {})

    assert not left.exists()


def served_late(cell: Cell) -> Played:
    """Every request held its connection for 2 ms more than it was asked to, which later forecasts have in them."""
    return Played(cell, made.requests(cell, [{"work_us": (cell.hold_ms + 2) * 1000}]), made.samples(cell))


@pytest.mark.usefixtures("without_processes")
def test_a_repetition_that_is_played_again_is_counted_and_its_time_is_in_what_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def reject_first_play(played: Played, *_: object) -> Played:
        again = played.cell.scenario == "five-in-sequence" or played.cell.attempt > 1
        return replace(played, cell=played.cell if again else replace(played.cell, status="rejected", why="late"))

    monkeypatch.setattr("bench.run.loop._play", lambda cell, *_, **__: served_late(cell))
    monkeypatch.setattr("bench.run.loop.audited", reject_first_play)
    monkeypatch.setattr("bench.run.loop.to_repeat", lambda *_: None)
    asked = replace(plan("five-in-sequence", "burst-10", hold_ms=100, services=SERVICES[:2]), profile="standard")
    cells = planned_cells(asked)
    said = StringIO()
    progress = Progress([estimate_s(cell) for cell in cells], said)

    ended = run(asked, made.ENVIRONMENT, Target(None, local=True), None, progress, lambda *_: None)

    assert [cell.attempt for cell in ended.cells] == [1, 1, 2, 2]
    assert len(ended.replaced) == 2
    assert ended.cells[2].forecast != cells[2].forecast
    lines = said.getvalue().splitlines()
    assert [line.split("]")[0] for line in lines] == [
        "[1/4", "[2/4", "[3/4", "[4/4",
        "burst-10 · repetition 1 is played again (play 2), because of asyncpg_fastapi: late",
        "[5/6", "[6/6",
    ]  # fmt: skip
    assert lines[-2].endswith(" left")
    assert not lines[-1].endswith(" left")


def test_a_database_that_is_gone_after_the_load_fails_the_cell() -> None:
    there, gone = Reading(at_s=0.0, reads=7), Reading(at_s=1.0)

    refuse_lost(there, there)
    refuse_lost(gone, gone)  # it never told
    with pytest.raises(Mismatch, match="PostgreSQL answers no more"):
        refuse_lost(there, gone)
