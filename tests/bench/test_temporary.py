"""Temporary directories: what a killed process left is removed, and nothing else."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench import temporary

KILLED = """
import os, signal
from bench import temporary
with temporary.directory("poolbench-test-") as path:
    (path / "requests").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary directories are made meanwhile."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_the_sweep_removes_what_a_killed_process_left(place: Path) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED], check=False).returncode == -signal.SIGKILL
    (left,) = place.glob("poolbench-test-*/requests")
    (place / "poolbench-other-x").mkdir()

    with temporary.directory("poolbench-test-") as alive:
        temporary.sweep("poolbench-test-")

        assert not left.parent.exists()
        assert {path.name for path in place.iterdir()} == {alive.name, "poolbench-other-x"}
    assert not alive.exists()


def test_a_directory_that_was_swept_before_it_was_locked_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    locked, swept = temporary._locked, list[Path]()

    def sweep_the_first(path: Path) -> int | None:
        if not swept:
            swept.append(path)
            path.rmdir()
        return locked(path)

    monkeypatch.setattr(temporary, "_locked", sweep_the_first)
    path, lock = temporary.locked_directory("poolbench-test-")
    assert path.is_dir()
    assert path != swept[0]
    os.close(lock)
