"""Where a run takes place: machine, versions, commit."""

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

import psutil

from bench.postgres.database import Database, connect, max_connections
from bench.record.schema import Environment, played_as
from bench.targets.libraries import Libraries
from bench.targets.process import ROOT
from services.stacks import STACKS

GENERATOR: Final = ("locust", "gevent")
COMMON: Final = ("prometheus-client",)
"""What every service is made with."""
_OTHER_REPOSITORY: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE")
"""What has git look at another repository than the one around its working directory."""


def describe(
    database: Database | None,
    kind: Literal["embedded", "given"] | None,
    *,
    services: Iterable[str] = tuple(STACKS),
    fresh_processes: bool = True,
    columns: Mapping[str, Libraries] | None = None,
) -> Environment:
    """Raises UserError where the database cannot be reached.

    Where the services' processes are not made for the cells, their libraries are not those of this machine.
    """
    postgres, most = _postgres(database) if database else ("unknown", None)
    commit, dirty = commit_of(ROOT)
    return Environment(
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=commit,
        dirty=dirty,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory_gb=round(psutil.virtual_memory().total / 2**30, 1),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        postgres=postgres,
        max_connections=most,
        database=kind,
        versions={name: _version(name) for name in (libraries(services) if fresh_processes else GENERATOR)},
        fresh_processes=fresh_processes,
        columns={name: dict(own.versions) for name, own in (columns or {}).items()},
    )


def libraries(services: Iterable[str]) -> tuple[str, ...]:
    """The distributions whose versions a run of these services records: those of their stacks, of what every stack
    has, and the generator's."""
    played = (STACKS[own] for own, _ in map(played_as, services) if own in STACKS)
    of_stacks = (name for stack in played for name in stack.distributions)
    return tuple(dict.fromkeys((*of_stacks, *COMMON, *GENERATOR)))


def _version(name: str) -> str:
    """A stack whose library is missing fails its check, which says more; the others can be measured."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _postgres(database: Database) -> tuple[str, int]:
    """Its version, and how many connections it takes."""
    with connect(database) as connection:
        row = connection.execute("SHOW server_version").fetchone()
        return str(row[0]) if row else "unknown", max_connections(connection)


def _cpu() -> str:
    """The processor's name as the system gives it; some give none."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def commit_of(root: Path) -> tuple[str | None, bool]:
    """The commit of the checkout at `root`, and whether files differ from it.

    None where there is none: around an installed bench there may be the repository of another project.
    """
    top, _, commit = (_git(root, "rev-parse", "--show-toplevel", "HEAD") or "").partition("\n")
    if not commit or Path(top) != root:
        return None, False
    return commit, bool(_git(root, "status", "--porcelain", "--untracked-files=no"))


def _git(root: Path, *arguments: str) -> str | None:
    """What git says of the repository that it finds from `root` upwards, whatever a hook or an alias has named."""
    environment = {name: value for name, value in os.environ.items() if name not in _OTHER_REPOSITORY}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, env=environment, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
