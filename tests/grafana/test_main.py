"""`python -m grafana`, and that the stored files are what it makes."""

import sys
from pathlib import Path

import pytest

from grafana import __main__ as command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of this test's own, in place of the repository's."""
    monkeypatch.setattr(command, "FOLDER", tmp_path / "dashboards")
    return tmp_path / "dashboards"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["grafana", *arguments])
    return command.main()


def test_the_stored_dashboards_are_what_the_code_makes() -> None:
    assert command.stale() == []


def test_what_was_written_passes_the_check(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch) == 0
    assert run(monkeypatch, "--check") == 0
    assert all(path.read_text().endswith("}\n") for path in folder.iterdir())


def test_writing_takes_away_what_no_code_makes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "old.json").write_text("{}\n")
    assert run(monkeypatch) == 0
    assert {path.name for path in folder.iterdir()} == set(command.files())


@pytest.mark.parametrize("harm", ["changed", "missing", "extra"])
def test_the_check_fails_and_names_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], harm: str
) -> None:
    run(monkeypatch)
    name = "extra.json" if harm == "extra" else "pool-one-service.json"
    if harm == "missing":
        (folder / name).unlink()
    else:
        (folder / name).write_text("{}\n")
    assert run(monkeypatch, "--check") == 1
    assert capsys.readouterr().err == f"not what the code makes: {name}; run `python -m grafana`\n"
