"""`bench run --with`: a stack beside itself with another version of a library."""

import json
import subprocess
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path

import pytest

from bench.check import check
from bench.cli.main import obey
from bench.postgres.database import Database
from bench.record.stored import load
from bench.run.environment import describe
from bench.run.loop import run
from bench.run.progress import Progress
from bench.targets.columns import columns, interleaved
from bench.targets.libraries import libraries
from bench.targets.target import Target
from tests import trees
from tests.bench import made
from tests.bench.cli.test_own_stack import BENCH, ONE_CELL, str_of

LOCKED = "psycopg_flask"
OTHER = "psycopg_flask@psycopg-pool@my-pool"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*BENCH, *arguments], capture_output=True, text=True, timeout=180, check=False)


def _shown(directory: Path, form: str) -> str:
    with redirect_stdout(StringIO()) as printed:
        obey(("report", str(directory), "--format", form))
    return printed.getvalue()


def test_both_versions_are_played_recorded_and_named_in_every_form(database: Database, tmp_path: Path) -> None:
    imported, out = tmp_path / "imported", tmp_path / "run"
    tree = trees.psycopg_pool(tmp_path / "my-pool", f"print('imported', file=open({str(imported)!r}, 'a'))")
    command = ("run", "-s", LOCKED, "--with", f"psycopg-pool@{tree}", "--layer", "pool", *ONE_CELL)
    where = ("--out", str(out), "--database-url", str_of(database))
    done = bench(*command, *where)

    assert done.returncode == 0, done.stderr
    stored = load(out).run
    assert [(cell.service, cell.status) for cell in stored.cells] == [(LOCKED, "ok"), (OTHER, "ok")]
    assert imported.read_text().splitlines() == ["imported"] * 2, "one look whether it imports, and one cell"
    own = stored.environment.columns[OTHER]
    assert list(own) == ["psycopg-pool"]
    labels = {
        LOCKED: f"psycopg_pool, psycopg-pool {stored.environment.versions['psycopg-pool']}",
        OTHER: f"psycopg_pool, psycopg-pool {own['psycopg-pool']}",
    }
    assert {name: stored.stacks[name].label_alone for name in stored.plan.services} == labels

    shown = {form: _shown(out, form) for form in ("md", "html", "json", "csv")} | {"terminal": done.stdout}
    for form in ("terminal", "md", "html"):
        text = " ".join(shown[form].split())
        assert all(label.partition(" ")[2] in text for label in labels.values()), form
        assert f"{OTHER}: psycopg-pool {own['psycopg-pool']}, all else the same" in text, form
    assert [cell["service"] for cell in json.loads(shown["json"])["cells"]] == [LOCKED, OTHER]
    assert f"burst-10,{OTHER},ok," in shown["csv"]

    (tree / "psycopg_pool" / "added.py").touch()
    again = bench(*command, *where, "--resume")
    assert again.returncode == 2
    assert again.stderr.splitlines()[-1].startswith(f"bench: {out} was measured with another columns: ")


def test_a_version_that_the_stack_does_not_work_with_says_so_in_its_column(database: Database, tmp_path: Path) -> None:
    tree = trees.psycopg_pool(tmp_path / "my-pool", "ConnectionPool.open = lambda *_, **__: renamed")
    added = columns((f"psycopg-pool@{tree}",), (LOCKED,))
    own = {column.name: libraries(column, lambda _: None) for column in added}
    plan = made.plan(hold_ms=30, services=(OTHER,), scenarios=("burst-10",), layer="pool")
    target = Target(database, local=False, libraries=own)

    done = run(plan, describe(database, "given", columns=own), target, None, Progress([], StringIO()), lambda *_: None)

    (cell,) = done.cells
    assert (cell.status, cell.why) == (
        "failed",
        "the pool of psycopg_flask died before it was ready: NameError: name 'renamed' is not defined",
    )


def test_over_http_each_version_is_checked_for_itself(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails its check says so in its own column, and the locked version is measured."""
    broken = "ConnectionPool.getconn = lambda *_, **__: 1 / 0"
    added = columns((f"psycopg-pool@{trees.psycopg_pool(tmp_path / 'my-pool', broken)}",), (LOCKED,))
    own = {column.name: libraries(column, lambda _: None) for column in added}
    plan = made.plan(hold_ms=30, services=interleaved((LOCKED,), added), scenarios=("burst-10",))
    monkeypatch.setattr("bench.run.checks.check", partial(check, only=["queries"]))
    target = Target(database, local=False, libraries=own)

    done = run(plan, describe(database, "given", columns=own), target, None, Progress([], StringIO()), lambda *_: None)

    locked, other = done.cells
    assert (locked.service, other.service) == (LOCKED, OTHER)
    assert locked.status != "failed", locked.why
    assert (other.status, (other.why or "").partition(":")[0]) == ("failed", "fails queries")
