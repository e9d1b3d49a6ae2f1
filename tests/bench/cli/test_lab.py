"""The lab: what it says of its services."""

import shlex

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from bench.cli import lab
from bench.postgres.database import Database
from bench.targets.process import free_port


class Interrupted:
    """Where the lab would wait for Ctrl-C, that has come."""

    def wait(self, _: float) -> bool:
        raise KeyboardInterrupt


def test_it_says_what_the_environment_sets(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lab, "Event", Interrupted)
    settings = {"POOL_MIN_SIZE": "3", "POOL_MAX_SIZE": "7", "WORK_TIME_MS": "250", "POOL_ACQUIRE_TIMEOUT": "4"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    assert lab.serve(("asyncpg_fastapi",), free_port(), database.dsn, None) == 0

    said = capsys.readouterr().out
    assert "\nPool of 3 to 7, hold 0.25 s, acquire timeout 4 s. Try:\n" in said
    # The password of a given database is its owner's to know.
    line = f"psql 'postgresql://{database.user}@{database.host}:{database.port}/{database.name}'"
    assert line in said.splitlines()[1]
    assert database.password not in said.replace(database.user, "")


def test_its_own_database_can_be_opened_by_the_line_that_it_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Asked:
        def wait(self, _: float) -> bool:
            line = capsys.readouterr().out.splitlines()[1]
            program, address = shlex.split(line)
            assert program == "psql"
            password = conninfo_to_dict(address)["password"]
            started = psutil.Process().children(recursive=True)
            seen.extend(argument for one in started for argument in one.cmdline())
            shown.extend(argument for argument in seen if str(password) in argument)
            with psycopg.connect(address) as connection:
                found.append(connection.execute("SELECT current_database(), count(*) FROM items").fetchone())
            raise KeyboardInterrupt

    found: list[object] = []
    seen: list[str] = []
    shown: list[str] = []
    monkeypatch.setattr(lab, "Event", Asked)

    assert lab.serve(("asyncpg_fastapi",), free_port(), None, None) == 0

    assert found == [("labdb", 1000)]
    assert "services.asyncpg_fastapi" in seen
    assert shown == [], "a password is in a list of processes"
