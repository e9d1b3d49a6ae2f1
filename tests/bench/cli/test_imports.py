"""What a command loads of others' packages: what shows stored runs needs nothing that measures, and no scipy."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from bench.record.store import Store
from tests.bench import made

COMMAND: Final = """
import sys
from bench.cli.main import obey
try:
    obey(sys.argv[1:])
finally:
    print(*sys.modules)
"""
TABLES: Final = {"click", "tabulate"}
STORED: Final = TABLES | {"numpy", "polars", "pydantic"}
"""Each takes a tenth of a second or more to be loaded."""
NEEDED_BY_THESE: Final = {
    "annotated_types",
    "cython_runtime",
    "pydantic_core",
    "typing_extensions",
    "typing_inspection",
}


@pytest.fixture
def stored(tmp_path: Path) -> str:
    cell = made.cell()
    with Store(tmp_path / "run") as store:
        store.save_cell(made.run([cell]), cell, made.requests(cell, made.fifo_burst(100, 5, 100_000, 1_050_000)), None)
    return str(tmp_path / "run")


def loaded(*arguments: str) -> set[str]:
    """The packages that a command had loaded when it ended; those whose names begin with _ are parts of others."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    packages = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    ours = {"bench", "services"} | NEEDED_BY_THESE
    return {name for name in packages - ours - sys.stdlib_module_names if not name.startswith("_")}


def test_a_list_needs_what_makes_tables() -> None:
    assert loaded("list") == TABLES
    assert loaded("list", "--format", "json") == TABLES


def test_help_needs_nothing_but_the_command_line() -> None:
    assert loaded("run", "--help") == {"click"}


def test_what_shows_stored_runs_needs_nothing_that_measures(stored: str, tmp_path: Path) -> None:
    assert loaded("report", stored) == STORED
    assert loaded("compare", stored, stored) == STORED
    picture = str(tmp_path / "picture.svg")
    assert loaded("report", stored, "-x", "burst-timeout", "--chart", picture) == STORED - {"tabulate"}
    assert loaded("export", stored, "--out", str(tmp_path / "csv")) == STORED - {"tabulate"}
