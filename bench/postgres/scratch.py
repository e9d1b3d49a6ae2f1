"""Where embedded servers live: temporary directories that their own user can enter, and the servers left in them."""

import os
import signal
import stat
import tempfile
import time
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
    """End the server of a keeper that was killed: at once by SIGQUIT, by SIGKILL after 10 s."""
    data = directory / "data"
    try:
        postmaster = psutil.Process(int((data / "postmaster.pid").read_text().split("\n", 1)[0]))
        # The number may be another process's by now, and in a file of root's server it may be anything.
        if str(data) not in postmaster.cmdline():
            return
        for child in postmaster.children():  # a server that is frozen may have been left
            child.resume()
        for number in (signal.SIGQUIT, signal.SIGKILL):
            postmaster.send_signal(number)
            postmaster.send_signal(signal.SIGCONT)
            deadline = time.monotonic() + _ORPHAN_TIMEOUT_S
            while time.monotonic() < deadline:
                if not _alive(postmaster):
                    return
                time.sleep(0.01)
    except (OSError, ValueError, psutil.Error):
        return  # no such file or no such process: nothing to end


def _alive(process: psutil.Process) -> bool:
    # A zombie that is not reaped (a container without an init) is listed like a live process.
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
