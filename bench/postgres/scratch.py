"""Where embedded servers live: temporary directories that their own user can enter, and the servers left in them."""

import os
import signal
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil

from bench import temporary
from bench.errors import UserError
from bench.postgres.binaries import ServerUser

_PREFIX = "poolbench-pg-"
_ORPHAN_TIMEOUT_S = 10.0


def sweep() -> None:
    """Remove what killed keepers left behind: their directories, and a server still in them."""
    temporary.sweep(_PREFIX, _end_orphan)


def private_directory(user: ServerUser | None) -> tuple[Path, int]:
    """A new directory that only we, and `user` where there is one, can enter, and a descriptor that holds its lock.

    Raises UserError when `user` cannot come as far as the temporary directory.
    """
    if user is not None:
        place = Path(tempfile.gettempdir()).resolve()
        for closed in (part for part in (place, *place.parents) if not part.stat().st_mode & stat.S_IXOTH):
            raise UserError(f"user {user.name} cannot enter {closed}: set TMPDIR to a directory that every user can")
    directory, lock = temporary.locked_directory(_PREFIX)
    if user is not None:
        # The server's user passes through, and cannot list; what it owns lies inside.
        os.chown(directory, -1, user.gid)
        directory.chmod(0o710)
    return directory, lock


def remove_if_abandoned(directory: Path) -> None:
    """Remove one directory, and end the server in it, unless a live process locks it."""
    temporary.remove_if_abandoned(directory, _end_orphan)


def _end_orphan(directory: Path) -> None:
    """End what is left of the server of a keeper that was killed: at once by SIGQUIT, by SIGKILL after 10 s.

    That may be a postmaster with its children, frozen or not, and frozen children whose postmaster is gone.
    """
    left = [process for process in psutil.process_iter() if _serves(process, directory / "data")]
    for number in (signal.SIGQUIT, signal.SIGKILL):
        for process in left:
            with suppress(psutil.Error):
                process.send_signal(number)
                process.resume()
        left = psutil.wait_procs(left, _ORPHAN_TIMEOUT_S)[1]


def _serves(process: psutil.Process, data: Path) -> bool:
    """Whether a process is PostgreSQL's, in this directory; one of a user who looks around there is not."""
    try:
        words = process.cmdline()
        return bool(words) and process.cwd() == str(data) and (str(data) in words or words[0].startswith("postgres:"))
    except (OSError, psutil.Error):
        return False
