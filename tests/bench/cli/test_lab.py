"""The lab: what it says of its services."""

import pytest

from bench.cli import lab
from bench.postgres.database import Database
from bench.targets.process import free_port
from services.stacks import STACKS


class Interrupted:
    """Where the lab would wait for Ctrl-C, that has come."""

    def wait(self, _: float) -> bool:
        raise KeyboardInterrupt


def test_it_says_what_the_environment_sets(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lab, "STACKS", {"asyncpg_fastapi": STACKS["asyncpg_fastapi"]})
    monkeypatch.setattr(lab, "Event", Interrupted)
    settings = {"POOL_MIN_SIZE": "3", "POOL_MAX_SIZE": "7", "WORK_TIME_MS": "250", "POOL_ACQUIRE_TIMEOUT": "4"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    assert lab.serve(free_port(), database.dsn, None) == 0

    assert "\nPool of 3 to 7, hold 0.25 s, acquire timeout 4 s. Try:\n" in capsys.readouterr().out
