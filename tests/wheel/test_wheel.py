"""The wheel, as a user meets it: installed into an empty environment, run in an empty folder, with no checkout near.

It installs everything that the bench needs once more, and is therefore asked for by its name: `make wheel-test`.
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from email.parser import Parser
from pathlib import Path
from typing import Final

import pytest

from generate.files import ROOT
from services.stacks import STACKS, usual

Bench = Callable[..., "subprocess.CompletedProcess[str]"]
PACKAGES: Final = ("bench", "services")


def run(*command: str | Path, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Without what could lead to the checkout."""
    hidden = ("PYTHONPATH", "VIRTUAL_ENV", "PG_BIN")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def checked(*command: str | Path, cwd: Path) -> str:
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the locked backend, as pip would have it built."""
    out = tmp_path_factory.mktemp("wheel")
    path = f"PATH={Path(sys.executable).parent}:{os.environ['PATH']}"  # the backend looks there for its program
    code = f"import uv_build; print(uv_build.build_wheel({str(out)!r}))"
    return out / checked("env", path, sys.executable, "-c", code, cwd=ROOT).splitlines()[-1]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of another project, in which the environment and the results are."""
    home = tmp_path_factory.mktemp("home")
    author = ("-c", "user.name=someone", "-c", "user.email=someone@example.org")
    for arguments in (["init", "-q"], [*author, "commit", "-q", "--allow-empty", "-m", "another project"]):
        checked("git", *arguments, cwd=home)
    return home


@pytest.fixture(scope="session")
def bench(wheel: Path, home: Path) -> Iterator[Bench]:
    """The command of an environment in which the wheel and what it asks for is, in the versions of the lock."""
    uv = shutil.which("uv") or str(ROOT / ".venv/tools/bin/uv")
    environment = home / "environment"
    checked(uv, "venv", "-q", "--python", sys.executable, environment, cwd=home)
    locked = ("--constraint", str(ROOT / "requirements/all.txt"))
    checked(uv, "pip", "install", "-q", "--python", environment, *locked, wheel, cwd=home)
    checked(uv, "pip", "check", "-q", "--python", environment, cwd=home)

    yield lambda *arguments: run(environment / "bin/bench", *arguments, cwd=home)

    shutil.rmtree(environment)


def test_it_holds_the_packages_with_their_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if not name.endswith("/")}
    listed = checked("git", "ls-files", *PACKAGES, cwd=ROOT).split()
    info = {name for name in found if name.startswith("poolbench-")}

    assert found - info == set(listed) - {"services/Dockerfile"}
    assert "services/schema.sql" in found
    assert {Path(name).name for name in info} == {"METADATA", "RECORD", "WHEEL", "LICENSE", "entry_points.txt"}


def test_it_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        said = Parser().parsestr(archive.read(name).decode())

    assert (said["Name"], said["License-Expression"], said["Requires-Python"]) == ("poolbench", "MIT", ">=3.11")
    assert said["Description-Content-Type"] == "text/markdown"
    assert all(said.get_all(field) for field in ("Keywords", "Classifier", "Requires-Dist"))


def test_it_tells_what_there_is(bench: Bench) -> None:
    assert bench("--help").stdout.startswith("Usage: bench ")
    listed = bench("list")
    assert listed.returncode == 0, listed.stderr
    assert [name for name in STACKS if name not in listed.stdout] == []


def test_a_run_leaves_its_results_where_it_was_started(bench: Bench, home: Path) -> None:
    done = bench("run", "--profile", "smoke")

    assert done.returncode == 0, done.stdout + done.stderr
    (directory,) = (home / "results").iterdir()
    run = json.loads((directory / "run.json").read_text())
    assert {cell["service"] for cell in run["cells"]} == {stack.name for stack in usual()}
    assert {cell["status"] for cell in run["cells"]} == {"ok"}
    assert (run["environment"]["commit"], run["environment"]["dirty"]) == (None, False)
    again = bench("report", str(directory))
    assert again.returncode == 0, again.stderr
    assert bench("export", str(directory)).stdout.startswith("wrote requests.csv")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("run", "--target", "compose"),
            "--target compose needs a checkout of poolbench, which has docker-compose.yml",
        ),
        (("run", "--layer", "pool", "--target", "compose"), "--target compose needs a checkout of poolbench"),
    ],
)
def test_what_needs_a_checkout_says_so(bench: Bench, arguments: tuple[str, ...], said: str) -> None:
    done = bench(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"bench: {said}")
    assert len(done.stderr.splitlines()) == 1
