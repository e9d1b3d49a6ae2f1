"""Cells on the pool alone: real pools in processes of their own, and what becomes of one that dies."""

from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.observe.sampler import Sampler
from bench.postgres.database import Database
from bench.record.schema import Plan
from bench.record.store import Store
from bench.record.stored import load
from bench.run.environment import describe
from bench.run.executor import workload
from bench.run.in_process import job, unfit
from bench.run.loop import run
from bench.run.matrix import estimate_s, planned_cells
from bench.run.progress import Progress
from bench.run.results import Results
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.model import Leak, ReleaseLeaks
from bench.targets.pool import PoolProcess
from bench.targets.process import ServiceDied
from bench.targets.target import Target
from services.common import contract
from services.stacks import STACKS
from services.workload.loads import Open, Sequential, Share, Workload
from services.workload.wire import Fault, PoolJob
from tests.bench import made
from tests.bench.playing import BOOKS, play

COMMON: dict[str, Any] = {
    "out": "/out",
    "release": "explicit",
    "look_every_s": 0.05,
    "warm_up_rounds": 2,
    "warm_up_hold_ms": 20,
}


def test_a_job_is_the_workload_as_over_http_with_its_faults_in_seconds() -> None:
    cell, asked = made.cell("leak-kept"), SCENARIOS["leak-kept"].at(100)

    assert job(cell, asked, Path("/out")) == PoolJob(
        workload=workload(cell, asked),
        hold_ms=100,
        faults=(Fault(at_s=1.5, count=5, how="kept"), Fault(at_s=4.0)),
        **COMMON,
    )
    assert workload(cell, asked) == Workload(load=asked.load, mix=asked.mix, seed=7, give_up_s=asked.give_up_s)


def test_the_path_says_how_connections_are_given_back() -> None:
    cell = made.cell("tight-loop-long-managed")
    ways = {name: SCENARIOS[name].at(100) for name in ("tight-loop-long", "tight-loop-long-managed")}
    ways["asked for"] = SCENARIOS["tight-loop-long"].at(100, "context-manager")
    assert {name: job(cell, asked, Path("/out")).release for name, asked in ways.items()} == {
        "tight-loop-long": "explicit",
        "tight-loop-long-managed": "context-manager",
        "asked for": "context-manager",
    }


def test_a_hold_in_the_path_is_the_job_s() -> None:
    asked = replace(SCENARIOS["one"].at(100), mix=(Share(path="/api/query?hold_ms=30"),))
    assert job(made.cell("one"), asked, Path("/out")).hold_ms == 30


def test_what_takes_no_connection_or_needs_another_path_is_not_played(monkeypatch: pytest.MonkeyPatch) -> None:
    nested = replace(SCENARIOS["one"], name="nested", path=contract.NESTED)
    monkeypatch.setitem(SCENARIOS, "nested", nested)

    assert unfit(made.cell("burst-timeout")) is None
    assert unfit(made.cell("floor")) == "it takes no connection, so that nothing of it is left without HTTP"
    assert (
        unfit(made.cell("nested"))
        == "it asks for /api/nested, and the pool alone plays /api/query and /api/query-proper"
    )


def plan(*scenarios: str, service: str) -> Plan:
    return made.plan(scenarios=scenarios, services=(service,), hold_ms=50, layer="pool")


def test_a_run_on_the_pool_alone(
    name: str, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Open(rate_per_s=2.5, seconds=16, arrivals="uniform")
    faults = (Leak(at=1, count=5, how="kept"), ReleaseLeaks(at=11))
    monkeypatch.setitem(SCENARIOS, "leak-kept", replace(SCENARIOS["leak-kept"], load=short, faults=faults, hold_ms=50))
    asked_for = plan("floor", "burst-timeout", "leak-kept", service=name)
    cells = planned_cells(asked_for)
    said = StringIO()
    progress = Progress([estimate_s(cell) for cell in cells[1:]], said)
    store = Store(tmp_path / "run")
    target = Target(database, local=False)
    run(asked_for, describe(database, "given"), target, None, progress, Results(store).add)

    stored = load(store.directory)
    floor, burst, leak = stored.run.cells
    assert (floor.status, burst.status, leak.status) == ("skipped", "ok", "ok")
    assert "check" not in said.getvalue()

    requests = stored.requests.filter(scenario="burst-timeout").sort("n")
    assert requests["n"].to_list() == list(range(100))
    assert set(requests["user"]) == set(range(100))
    assert set(requests["planned_us"]) == {0}
    assert set(requests["path"]) == {"/api/query"}
    answers = {tuple(answer): len(rows) for answer, rows in requests.group_by("status", "error")}
    served = answers.pop((200, "none"))
    assert answers == {(503, "pool_exhausted"): 100 - served}
    assert 0 < served < 100
    ok = requests.filter(status=200)
    assert ok.filter(ok["work_us"] < 50_000).height == 0
    assert ok.filter(ok["finished_us"] - ok["sent_us"] < ok["acquire_us"] + ok["work_us"]).height == 0
    refused = requests.filter(status=503)
    assert refused.filter(refused["acquire_us"] < burst.acquire_timeout_s * 1e6).height == 0

    assert burst.settings is not None
    assert burst.settings["service"] == name
    assert burst.settings["pool_max_size"] == burst.settings["pool_min_size"] == 5
    assert burst.settings["threads"] == (108 if STACKS[name].threads else None)
    assert burst.skew_ms is not None
    assert burst.cpu is not None
    assert burst.cpu.service is not None
    samples = stored.samples.filter(scenario="burst-timeout")
    assert samples["used"].max() == samples["backends"].max() == 5
    assert 0 < max(samples["waiting"].drop_nulls()) <= 95
    assert samples["t_us"].is_sorted()

    for cell in (burst, leak):
        verdicts = {finding.name: finding.verdict for finding in cell.audit}
        assert {name: verdicts[name] for name in BOOKS} == dict.fromkeys(BOOKS, "passed")

    requests = stored.requests.filter(scenario="leak-kept")
    assert requests.height == 40
    assert set(requests["status"]) == {200, 503}
    texts = [(event.kind, event.text) for event in stored.events]
    # Whoever leaks has to get a connection first, beside the others who wait.
    assert len(texts) == 6
    assert [kind for kind, _ in texts] == ["leak"] * 5 + ["release_leaks"]
    leaked = sum(text.endswith(": 200") for _, text in texts)
    assert texts[-1][1] == f"{leaked} given back"
    assert stored.samples.filter(scenario="leak-kept")["used"].drop_nulls()[-1] == 0


def test_a_pool_against_itself_is_two_columns_of_fresh_processes(database: Database, tmp_path: Path) -> None:
    names = ("psycopg_flask", "psycopg_flask-2")
    asked_for = made.plan(scenarios=("burst-10",), services=names, hold_ms=50, layer="pool")
    progress = Progress([estimate_s(cell) for cell in planned_cells(asked_for)], StringIO())
    store = Store(tmp_path / "run")

    run(asked_for, describe(database, "given"), Target(database, local=False), None, progress, Results(store).add)

    cells = load(store.directory).run.cells
    assert [(cell.service, cell.status, cell.why) for cell in cells] == [(name, "ok", None) for name in names]
    # Ten requests at once, and eight for probes, under either name.
    assert [cell.settings and (cell.settings["service"], cell.settings["threads"]) for cell in cells] == [
        ("psycopg_flask", 18)
    ] * 2


def test_a_pool_that_dies_is_a_failed_cell_with_its_last_lines(
    name: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for = plan("ramp", service=name)
    victims: list[psutil.Process] = []
    start = PoolProcess.start

    def remember(self: PoolProcess) -> None:
        start(self)
        victims.append(psutil.Process(self.pid))

    monkeypatch.setattr(PoolProcess, "start", remember)
    monkeypatch.setattr(Sampler, "start", lambda *_: victims[0].kill())

    played = play(planned_cells(asked_for)[0], asked_for, database)

    assert (played.cell.status, played.cell.why) == ("failed", f"the pool of {name} died under the load")
    assert played.cell.log_tail is not None
    assert "pool of 5 to 5 is open" in played.cell.log_tail
    assert played.requests is None
    assert not victims[0].is_running()


def test_a_pool_that_dies_after_its_warm_up_is_not_said_to_have_been_asked_for_nothing(
    database: Database, tmp_path: Path
) -> None:
    asked = Workload(load=Sequential(requests=1), mix=(Share(path=contract.QUERY),), seed=1, give_up_s=60)
    with PoolProcess("asyncpg_fastapi", database) as process:
        process.warm_up(PoolJob(workload=asked, hold_ms=1, **COMMON | {"out": str(tmp_path)}))
        (running,) = [each for each in process.processes() if each.pid == process.pid]
        running.kill()
        running.wait()

        with pytest.raises(ServiceDied, match=r"^the pool of asyncpg_fastapi died before the load$"):
            process.play(lambda _: None, timeout_s=60)


def test_a_pool_that_cannot_be_opened_says_why(name: str, database: Database) -> None:
    with (
        pytest.raises(ServiceDied, match=f"the pool of {name} died before it was ready") as died,
        PoolProcess(name, database, {"pool_min_size": 9, "pool_max_size": 5}),
    ):
        pytest.fail("it was ready")

    assert died.value.log_tail.startswith("cannot start: pool_min_size (9) is above pool_max_size (5)")


def test_the_process_ends_with_its_input_whatever_it_is_doing(name: str, database: Database, tmp_path: Path) -> None:
    asked = Workload(load=Sequential(requests=1), mix=(Share(path=contract.QUERY),), seed=1, give_up_s=60)
    endless = PoolJob(workload=asked, hold_ms=600_000, **COMMON | {"out": str(tmp_path)})
    with PoolProcess(name, database) as process:
        (running,) = [each for each in process.processes() if each.pid == process.pid]

        process.warm_up(endless)
        with pytest.raises(ServiceDied, match="died under the load"):
            process.play(lambda _: process._pipe("stdin").close(), timeout_s=60)

        assert not running.is_running()
