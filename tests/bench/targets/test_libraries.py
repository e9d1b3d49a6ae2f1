"""Other versions of libraries: installed once, whole or not at all, and what a service imports."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.postgres.database import Database
from bench.targets import libraries as module
from bench.targets.columns import Column, columns
from bench.targets.http import Client
from bench.targets.libraries import Libraries, libraries
from bench.targets.process import LocalService
from services.common import contract
from tests import trees


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "poolbench" / "libraries"


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    """A file that has a line for each process that imported the tree's library."""
    return tmp_path / "imported"


@pytest.fixture
def tree(tmp_path: Path, imported: Path) -> Path:
    return trees.psycopg_pool(tmp_path / "my-pool", f"print('imported', file=open({str(imported)!r}, 'a'))")


def column(tree: Path) -> Column:
    (found,) = columns((f"psycopg-pool@{tree}",), ("psycopg_flask",))
    return found


def made(tree: Path) -> Libraries:
    return libraries(column(tree), lambda _: None)


@pytest.fixture
def unlooked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the stack imports with it is not looked at, which takes most of a second."""
    monkeypatch.setattr(module, "_refuse_unfit", lambda *_: None)


def refuse_to_install(*_: object) -> None:
    pytest.fail("it is there already")


def test_a_service_imports_what_the_tree_built_and_all_else_as_ever(
    tree: Path, imported: Path, database: Database
) -> None:
    before = sorted(tree.rglob("*"))
    own = made(tree)

    assert list(own.versions) == ["psycopg-pool"]
    assert re.fullmatch(r"9\.0 \(my-pool [0-9a-f]{8}\)", own.versions["psycopg-pool"])
    assert sorted(tree.rglob("*")) == before, "the user's tree stays as it is"
    looked_at = len(imported.read_text().splitlines())
    for given in (None, own.directory):
        with (
            LocalService("psycopg_flask", database, libraries=given) as service,
            Client(service.base_url) as client,
        ):
            assert client.get(contract.HEALTH)["service"] == "psycopg_flask"
        assert len(imported.read_text().splitlines()) == looked_at + (given is not None)


@pytest.mark.usefixtures("unlooked")
def test_the_same_is_installed_once_and_a_changed_tree_again(
    tree: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made(tree)
    with monkeypatch.context() as without:
        without.setattr(module, "_install_all", refuse_to_install)
        assert made(tree) == first
    (tree / "psycopg_pool" / "added.py").touch()

    second = made(tree)

    assert second.directory != first.directory
    assert set(cache.iterdir()) == {first.directory, second.directory}


@pytest.mark.usefixtures("unlooked")
def test_what_a_killed_run_left_is_removed_and_never_used(tree: Path, cache: Path) -> None:
    kill = "import os, signal; from bench.targets import libraries as m; m._keep = lambda *_: os.kill(os.getpid(), 9); "
    play = f"from tests.bench.targets.test_libraries import *; made(Path({str(tree)!r}))"
    assert subprocess.run([sys.executable, "-c", kill + play], check=False).returncode == -9
    (left,) = cache.iterdir()
    assert (left / "libraries" / "psycopg_pool").is_dir(), "it was killed with everything installed but nothing kept"

    own = made(tree)

    assert list(cache.iterdir()) == [own.directory]


@pytest.mark.usefixtures("unlooked")
def test_two_runs_that_install_the_same_at_once_share_it(
    tree: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, others = module._keep, list[Libraries]()

    def keep_after_another(new: Path, kept: Path) -> None:
        monkeypatch.setattr(module, "_keep", keep)
        others.append(made(tree))
        keep(new, kept)

    monkeypatch.setattr(module, "_keep", keep_after_another)

    assert [made(tree)] == others
    assert list(cache.iterdir()) == [others[0].directory]


def test_what_cannot_be_built_is_one_line_and_leaves_nothing(tree: Path, cache: Path) -> None:
    (tree / "backend.py").write_text("raise SystemExit('no compiler here')\n")

    with pytest.raises(UserError, match=r"^--with psycopg-pool@my-pool cannot be installed.*no compiler here") as told:
        made(tree)

    assert "\n" not in str(told.value)
    assert list(cache.iterdir()) == []


def test_a_library_with_another_api_is_one_line(tree: Path) -> None:
    with (tree / "psycopg_pool" / "__init__.py").open("a") as source:
        source.write("del ConnectionPool\n")

    said = r"^psycopg_flask does not work with psycopg-pool 9\.0 \(my-pool \w+\): ImportError: cannot import name 'Conn"
    with pytest.raises(UserError, match=said):
        made(tree)


def test_a_cache_that_cannot_be_written_is_one_line(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "imported-file"))
    (tmp_path / "imported-file").touch()

    with pytest.raises(UserError, match="cannot be made a directory of the cache: set XDG_CACHE_HOME"):
        made(tree)


def test_without_an_installer_it_says_what_to_do(tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    for name in ("prefix", "executable"):
        monkeypatch.setattr(f"sys.{name}", str(tmp_path / "no-python"))

    with pytest.raises(UserError, match="neither is here"):
        made(tree)
