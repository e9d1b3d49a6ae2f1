"""The commit that a run records, that of the project's own checkout, or none; and the versions of what is played."""

import subprocess
from pathlib import Path

import pytest

from bench.run.environment import commit_of, libraries

AUTHOR = ("-c", "user.name=someone", "-c", "user.email=someone@example.org")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One with a commit."""
    root = tmp_path.resolve() / "repository"
    (root / "environment").mkdir(parents=True)
    (root / "file").write_text("as committed")
    for arguments in (["init", "-q"], ["add", "file"], [*AUTHOR, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *arguments], cwd=root, check=True)
    return root


def head(repository: Path) -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_checkout_has_its_own(repository: Path) -> None:
    assert commit_of(repository) == (head(repository), False)

    (repository / "file").write_text("changed")
    assert commit_of(repository) == (head(repository), True)


def test_that_of_a_repository_around_it_is_not_recorded(repository: Path) -> None:
    assert commit_of(repository / "environment") == (None, False)


def test_nor_that_of_one_that_a_hook_names(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "installed").mkdir()
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))

    assert commit_of(tmp_path.resolve() / "installed") == (None, False)
    assert commit_of(repository) == (head(repository), False)


def test_a_repository_without_a_commit_has_none(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)

    assert commit_of(tmp_path.resolve()) == (None, False)


def test_versions_are_those_of_the_stacks_that_are_played() -> None:
    recorded = libraries(("psycopg_flask", "psycopg_flask-2", "a service elsewhere"))

    assert {"psycopg", "psycopg-pool", "flask", "gunicorn", "prometheus-client", "locust"} <= set(recorded)
    assert not {"django", "asyncpg", "sqlalchemy", "fastapi"} & set(recorded)
    assert len(set(recorded)) == len(recorded)
