"""The audit of the pool alone: real books balance, and a defect in the pool's process fails the check that it must."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from bench.postgres.database import Database
from bench.record.schema import Cell
from bench.run import cell as cells
from bench.run.audited import audited
from bench.run.matrix import planned_cells
from bench.targets.pool import PoolProcess
from tests.bench import made
from tests.bench.playing import BOOKS, play

Audit = Callable[[str, str, str], Cell]


@pytest.fixture
def audit(database: Database, monkeypatch: pytest.MonkeyPatch) -> Audit:
    """Plays a scenario on a pool with a defect, and audits the cell."""

    def audit(service: str, scenario: str, defect: str) -> Cell:
        popen = subprocess.Popen

        def dishonest(command: list[str], **options: Any) -> Any:
            assert command[1:] == ["-m", "services.inprocess", f"services.{service}", service]
            return popen([sys.executable, "-m", "tests.bench.dishonest", service, defect], **options)

        monkeypatch.setattr("bench.targets.process.subprocess.Popen", dishonest)
        plan = made.plan(scenarios=(scenario,), services=(service,), hold_ms=20, layer="pool")
        (asked,) = planned_cells(plan)
        return audited(play(asked, plan, database), plan, 2).cell

    monkeypatch.setattr(cells, "REST_S", 0.0)  # what a defect keeps does not come back
    return audit


def test_the_books_of_a_pool_alone_balance(name: str, audit: Audit) -> None:
    played = audit(name, "burst-timeout", "none")

    assert played.counted is not None
    assert played.counted.before.acquired_total == 10
    assert played.counted.before.at_s < 0 < played.load_s <= played.counted.after.at_s
    checks = {check.name: check for check in played.audit}
    assert {name: checks[name].verdict for name in BOOKS} == dict.fromkeys(BOOKS, "passed")
    assert checks["rest"].detail == "no request waits, nothing is handed out"


@pytest.mark.parametrize(
    ("service", "scenario", "defect", "check", "told"),
    [
        (
            "psycopg_flask", "burst-10", "acquire uncounted", "counts",
            "acquired_total rose by 9, and the client saw 10",
        ),
        ("asyncpg_fastapi", "burst-timeout", "timeout uncounted", "counts", "timed_out_total rose by 0, and the"),
        ("asyncpg_fastapi", "burst-10", "waits halved", "integrals", "waiter_seconds_total rose by"),
        (
            "psycopg_flask", "burst-10", "reads twice", "statements",
            "PostgreSQL counted 11 reads of items, and the client saw 10",
        ),
        ("psycopg_flask", "burst-10", "kept for good", "rest", "1 connections are handed out, and 0 leaked"),
        ("sqlalchemy_fastapi", "burst-10", "left in transaction", "rest", "1 connections are left idle in transaction"),
        ("asyncpg_fastapi", "burst-10", "settings changed", "settings", "work_time_ms became 1 under the load"),
    ],
)  # fmt: skip
def test_a_defect_in_the_pool_s_process_is_named(
    audit: Audit, service: str, scenario: str, defect: str, check: str, told: str
) -> None:
    played = audit(service, scenario, defect)

    failed = {one.name: one.detail for one in played.audit if one.verdict == "failed"}
    assert told in failed[check]
    assert played.status == "rejected"


def test_a_pool_is_told_as_its_process_last_said(name: str, database: Database) -> None:
    with PoolProcess(name, database) as process:
        at_s, stats = process.told()
        assert (stats["acquired_total"], stats["waiting_requests"], stats["service"]) == (0, 0, name)
        assert stats["worker_pid"] == process.pid
        assert process.told() == (at_s, stats)
        assert process.settings()["service"] == name
