"""Directories with other versions of libraries, installed by uv or pip and kept in the user's cache.

A service that has one first on its path imports them from there, and all else from where the bench has it: the same
interpreter, and the same files but for these.
"""

import compileall
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name

from bench import temporary
from bench.errors import UserError
from bench.targets.columns import Column, Wanted
from bench.targets.needs import Installed, installed, lacking
from bench.targets.process import ROOT, end_with, path_first
from services.stacks import STACKS

Say = Callable[[str], None]
_BEING_MADE: Final = "making-"
_NO_SOURCE: Final = shutil.ignore_patterns(".*", "__pycache__", "*.pyc", "node_modules")
_MOST_SAID: Final = 500
"""Characters of what an installer said."""


@dataclass(frozen=True)
class Libraries:
    """A directory with what a column has of its own, and the version of each distribution in it."""

    directory: Path
    versions: Mapping[str, str]


@dataclass(frozen=True)
class _Source:
    """What the installer is given, and what it is: a version, or the digest of a source tree."""

    requirement: str
    identity: str


def libraries(column: Column, say: Say) -> Libraries:
    """Installs them, unless that was done before. Another run sees all of them or none, even where this one is killed.

    Raises UserError where they cannot be had, or where the stack's pool does not import with them.
    """
    base = installed()
    for wanted in column.wanted:
        has = base.get(canonicalize_name(wanted.name))
        if has and has.version == wanted.version:
            raise UserError(f"{column.service} is made with {wanted} already: name another version")
    with _workshop() as workshop:
        sources = {wanted.name: _source(wanted, workshop) for wanted in column.wanted}
        kept = workshop.parent / f"{','.join(map(str, column.wanted))}-{_key(sources.values(), base)}"
        if not kept.is_dir():
            say(f"{column.name}: installing into {kept}")
            new = workshop / "libraries"
            _install_all(new, column, [source.requirement for source in sources.values()], base)
            _keep(new, kept)
    found = {name: one.version for name, one in installed(kept).items()}
    own = {each.name: _told(each, found.pop(canonicalize_name(each.name)), sources) for each in column.wanted}
    _refuse_unfit(column, kept, own)
    return Libraries(kept, own | found)


@contextmanager
def _workshop() -> Iterator[Path]:
    """A directory in the cache for as long as something is made in it; those of killed runs are removed."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "poolbench" / "libraries"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        temporary.sweep(_BEING_MADE, within=cache)
        workshop, lock = temporary.locked_directory(_BEING_MADE, cache)
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise UserError(f"{cache} cannot be made a directory of the cache: set XDG_CACHE_HOME to another") from error
    try:
        yield workshop
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
        os.close(lock)


def _source(wanted: Wanted, workshop: Path) -> _Source:
    """A source tree is copied first: what is built is what was looked at, and the user's tree stays as it is."""
    if wanted.tree is None:
        return _Source(str(wanted), str(wanted))
    copy = workshop / "sources" / wanted.name
    shutil.copytree(wanted.tree, copy, ignore=_NO_SOURCE, symlinks=True)
    digest = hashlib.sha256()
    for file in sorted(path for path in copy.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(copy)}\0{file.stat().st_size}\0".encode())
        digest.update(file.read_bytes())
    return _Source(f"{wanted.name} @ {copy.as_uri()}", f"{wanted.name}@{digest.hexdigest()}")


def _key(sources: Iterable[_Source], base: Installed) -> str:
    """The same only where the same would be installed: sources, interpreter, and what is there already."""
    known = [
        sorted(source.identity for source in sources),
        [sys.version, sysconfig.get_platform()],
        sorted((name, one.version) for name, one in base.items() if name != "poolbench"),
    ]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]


def _install_all(into: Path, column: Column, requirements: Sequence[str], base: Installed) -> None:
    """What was asked for, and then whatever of its requirements the bench's own libraries do not meet."""
    installer, asked = _installer(), ",".join(map(str, column.wanted))
    while requirements:
        _install(installer, into, asked, requirements)
        requirements = lacking(installed(into), base, STACKS[column.service].distributions)
    compileall.compile_dir(into, quiet=2)


def _installer() -> list[str]:
    """uv, which `make` has put where this looks last, or pip."""
    beside = (Path(sys.executable).with_name("uv"), Path(sys.prefix) / "tools" / "bin" / "uv")
    for uv in (os.environ.get("UV"), shutil.which("uv"), *map(str, beside)):
        if uv and os.access(uv, os.X_OK):
            return [uv, "pip", "install", "--python", sys.executable]
    if find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    raise UserError(f"--with installs by uv or pip, and neither is here: put uv on the PATH, or into {sys.prefix}/bin")


def _install(installer: Sequence[str], into: Path, asked: str, requirements: Sequence[str]) -> None:
    done = subprocess.run(
        [*installer, "--quiet", "--no-deps", "--target", into.name, *requirements],
        cwd=into.parent,  # no project's settings are found from there
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=partial(end_with, os.getpid()),
    )
    if done.returncode:
        said = " ".join(done.stderr.split())
        said = said if len(said) <= _MOST_SAID else f"{said[: _MOST_SAID // 2]} … {said[-_MOST_SAID // 2 :]}"
        raise UserError(f"--with {asked} cannot be installed, name another version: {said}")


def _keep(new: Path, kept: Path) -> None:
    try:
        new.rename(kept)
    except OSError:
        if not kept.is_dir():  # else another run has made the same meanwhile
            raise


def _told(wanted: Wanted, version: str, sources: Mapping[str, _Source]) -> str:
    """`0.31.0`, or `0.33.0 (asyncpg-src 3f2a91c0)` where it was built from a tree."""
    if wanted.tree is None:
        return version
    return f"{version} ({wanted.tree.name} {sources[wanted.name].identity.partition('@')[2][:8]})"


def _refuse_unfit(column: Column, directory: Path, versions: Mapping[str, str]) -> None:
    """Raises UserError where the stack's pool does not import: its API is another in that version."""
    stack = STACKS[column.service]
    done = subprocess.run(
        [sys.executable, "-c", f"import {stack.package}.pool"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path_first(directory, stack.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        with_ = ", ".join(f"{name} {version}" for name, version in versions.items())
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise UserError(f"{stack.name} does not work with {with_}: {last}")
