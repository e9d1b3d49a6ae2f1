"""What the environment of the bench may say, and what it may not."""

import os
import subprocess
import sys
from typing import Final

import pytest

from bench.postgres.database import Database, connect
from bench.surroundings import forget_other_databases

RAISED: Final = """
import resource
from bench.surroundings import allow_many_files
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 1024))
allow_many_files()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_libpq_obeys_nothing_but_the_command(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    for name, value in {"PGOPTIONS": "-c search_path=nowhere", "PGTZ": "Asia/Tokyo", "PG_BIN": "/kept"}.items():
        monkeypatch.setenv(name, value)
    forget_other_databases()
    with connect(database) as connection:
        shown = connection.execute("SELECT current_setting('search_path'), current_setting('timezone')").fetchone()
    assert shown == ('"$user", public', "UTC")
    assert os.environ["PG_BIN"] == "/kept"


def test_as_many_files_as_the_system_allows() -> None:
    done = subprocess.run([sys.executable, "-c", RAISED], capture_output=True, text=True, check=True)
    assert done.stdout == "1024 1024\n"
