"""`python -m generate`: what it writes, what its check says, and wrong use."""

import shutil
from pathlib import Path

import pytest

from generate import __main__ as command
from generate import files
from services.stacks import STACKS
from tests import elsewhere


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of this test's own, with the files that are generated."""
    for path in files.generated(files.ROOT):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files.ROOT / path, tmp_path / path)
    monkeypatch.setattr(command, "ROOT", tmp_path)
    return tmp_path


def test_what_was_written_passes_the_check(checkout: Path) -> None:
    path = checkout / "docker-compose.yml"
    written = path.read_text()
    path.write_text(written.replace("PORT: 8001", "PORT: 9001"))

    assert command.main([]) == 0
    assert path.read_text() == written
    assert command.main(["--check"]) == 0


def test_writing_takes_away_what_no_code_makes(checkout: Path) -> None:
    old = checkout / "grafana" / "dashboards" / "old.json"
    old.write_text("{}\n")

    assert command.main([]) == 0
    assert not old.exists()


@pytest.mark.parametrize(
    "path", ["grafana/dashboards/extra.json", "grafana/dashboards/pool-one-service.json", "RUNBOOK.md"]
)
def test_the_check_fails_and_names_the_file(checkout: Path, capsys: pytest.CaptureFixture[str], path: str) -> None:
    file = checkout / path
    file.write_text(file.read_text().replace("8001 |", "9001 |") if path == "RUNBOOK.md" else "{}\n")

    assert command.main(["--check"]) == 1
    assert capsys.readouterr().err == f"not what would be generated: {path}; run `make generate`\n"


def test_a_file_without_its_markers_is_named(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "k6" / "services.js").write_text("")

    assert command.main([]) == 2
    assert capsys.readouterr().err.startswith("generate: k6/services.js: the file needs a line <!-- lab:begin --> and ")


def test_markers_of_a_part_that_no_code_makes_are_named(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = checkout / "k6" / "services.js"
    file.write_text(f"{file.read_text()}\n// old:begin\n// old:end\n")

    assert command.main([]) == 2
    assert capsys.readouterr().err == "generate: k6/services.js: no code makes old: take the markers away\n"


def test_stacks_from_elsewhere_are_written_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stacks, out = tmp_path / "stacks", tmp_path / "out"
    stacks.mkdir()
    with elsewhere.registry():
        assert command.main(["--stacks-from", str(elsewhere.write_stack(stacks)), "--out", str(out)]) == 0
        assert "mine" in STACKS

    said = capsys.readouterr().out
    assert f"docker compose --project-directory {files.ROOT} -f {out}/docker-compose.yml up" in said
    assert "mine:8100" in (out / "observability" / "prometheus.yml").read_text()
    assert (out / "k6" / "pool-exhaustion.js").read_text() == (files.ROOT / "k6" / "pool-exhaustion.js").read_text()
    assert files.stale(files.ROOT) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--stacks-from", "."), "--stacks-from DIR and --out DIR go together"),
        (("--out", "."), "--stacks-from DIR and --out DIR go together"),
        (("--check", "--stacks-from", ".", "--out", "."), "--check looks at this checkout's own files"),
    ],
)
def test_wrong_use_is_refused(arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main([*arguments])

    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_directory_without_stacks_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--stacks-from", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith(f"generate: {tmp_path}/stacks.py is not there: ")
