"""A run over real services: its records, and what becomes of a service that dies."""

import os
import signal
from collections.abc import Callable
from functools import partial
from io import StringIO
from pathlib import Path

import polars as pl
import psutil
import pytest

from bench.check import Report, check
from bench.faults.timeline import Timeline
from bench.postgres.database import Database
from bench.record.schema import Plan, played_as
from bench.record.store import Store
from bench.record.stored import load
from bench.run.checks import CHECK_ESTIMATE_S, check_service
from bench.run.environment import describe
from bench.run.loop import run
from bench.run.matrix import estimate_s, planned_cells
from bench.run.progress import Progress
from bench.run.results import Results
from bench.targets.http import Client
from bench.targets.process import LocalService
from bench.targets.target import Target
from services.common import contract
from tests.bench import made

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("checked_briefly")]


def plan(*scenarios: str, services: tuple[str, ...]) -> Plan:
    return made.plan(profile="smoke", hold_ms=50, services=services, scenarios=scenarios)


def play(plan: Plan, database: Database, directory: Path) -> tuple[Store, str]:
    cells = planned_cells(plan)
    said = StringIO()
    checks = [CHECK_ESTIMATE_S] * len({played_as(name)[0] for name in plan.services})
    progress = Progress(checks + [estimate_s(cell) for cell in cells], said)
    store = Store(directory)
    run(plan, describe(database, "given"), Target(database, local=False), None, progress, Results(store).add)
    return store, said.getvalue()


@pytest.fixture
def checked_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Services are looked at before they are measured, and not for long."""
    monkeypatch.setattr("bench.run.checks.check", partial(check, only=["health"]))


def test_a_run_leaves_every_request_and_what_was_in_force(database: Database, tmp_path: Path) -> None:
    store, said = play(plan("burst-10", "burst-timeout", services=made.SERVICES[:2]), database, tmp_path / "run")

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


@pytest.mark.parametrize(
    ("part", "refused"),
    [
        ("arbiter", "psycopg_flask died while it was checked"),
        ("worker", "psycopg_flask was started again while it was checked"),
    ],
)
def test_a_service_that_dies_in_its_check_is_told_so(
    part: str, refused: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill_first(url: str, *, on_progress: Callable[[str], None]) -> Report:
        with Client(url) as client:
            worker = psutil.Process(client.get(contract.STATS)["worker_pid"])
        victims = [worker] if part == "worker" else [worker.parent(), worker]
        for victim in filter(None, victims):
            victim.kill()
        return check(url, only=["health"], on_progress=on_progress)

    monkeypatch.setattr("bench.run.checks.check", kill_first)

    checked = check_service("psycopg_flask", database, {}, lambda _: None)

    assert (checked.refused, checked.report) == (refused, None)
    assert "Starting gunicorn" in checked.log_tail


def test_a_service_against_itself_is_two_columns_of_fresh_processes(database: Database, tmp_path: Path) -> None:
    names = ("psycopg_flask", "psycopg_flask-2")
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
