"""Stops all processes of one PostgreSQL, and sees to it that they go on, whichever process is killed meanwhile.

Part of the keeper's process: the standard library only.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

PR_SET_CHILD_SUBREAPER: Final = 36
REST_S: Final = 1.0
"""What a process has, once its postmaster is gone, to end by itself."""
KEEPERS_FILES: Final = 1024
"""No descriptor of the keeper has a higher number."""


class Freezer:
    """The processes that stand still, remembered one by one: a postmaster that dies meanwhile leaves them behind."""

    def __init__(self) -> None:
        self._stopped = set[int]()
        self._most_s = 0.0
        self._guard: _Guard | None = None

    def freeze(self, postmaster: int, most_s: float) -> int:
        """SIGSTOP to the postmaster, which then starts no process, and to all that it has started.

        They stand still until `thaw`, for `most_s` at the most, or until this process has died. Returns how many.
        """
        self._most_s = most_s
        self._guard = _Guard(most_s)
        self._stop(postmaster)
        while new := set(children(postmaster)) - self._stopped:  # one may have been on its way
            for pid in new:
                self._stop(pid)
        return len(self._stopped)

    def thaw(self) -> None:
        """All of them go on, whether they stood still or not."""
        send(self._stopped, signal.SIGCONT)
        self._stopped.clear()
        if self._guard is not None:
            self._guard.leave()
            self._guard = None

    def look(self) -> None:
        """A guard that was killed is replaced; one that has let all go on, because the time was over, is let go of."""
        match self._guard and self._guard.ended():
            case None:
                return
            case 0:
                self.thaw()
            case _:
                self._replace_guard()

    def _stop(self, pid: int) -> None:
        self._stopped.add(pid)
        assert self._guard is not None
        try:
            self._guard.know(pid)
        except BrokenPipeError:
            self._replace_guard()
        send([pid], signal.SIGSTOP)

    def _replace_guard(self) -> None:
        assert self._guard is not None
        self._guard.leave()
        self._guard = _Guard(self._most_s)
        for pid in self._stopped:
            self._guard.know(pid)


class _Guard:
    """A fork of the keeper that knows each process before it is stopped; it lets all go on when the keeper dies."""

    def __init__(self, most_s: float) -> None:
        reading, self._writing = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                _stand_guard(reading, most_s)
            finally:
                os._exit(0)
        os.close(reading)
        self._status: int | None = None

    def know(self, pid: int) -> None:
        """Raises BrokenPipeError where the guard has died."""
        os.write(self._writing, f"{pid}\n".encode())

    def ended(self) -> int | None:
        """How it ended, as `Popen.returncode`; None while it lives."""
        if self._status is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def leave(self) -> None:
        os.close(self._writing)
        if self._status is None:
            os.waitpid(self._pid, 0)


def _stand_guard(reading: int, most_s: float) -> None:
    os.setsid()  # what ends the keeper's group does not end it
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # The bench must see that the keeper has died, and the lock on the directory dies with it.
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.closerange(3, reading)
    os.closerange(reading + 1, KEEPERS_FILES)
    told, until = b"", time.monotonic() + most_s
    while select.select([reading], [], [], max(0.0, until - time.monotonic()))[0]:
        block = os.read(reading, 4096)
        if not block:
            break
        told += block
    send(map(int, told.split()), signal.SIGCONT)


def adopt_orphans() -> None:
    """On Linux, processes whose parent has died come to this one, and not to init; elsewhere nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_orphans() -> None:
    """Waits until this process has no child any more; those that take longer than `REST_S` are killed."""
    until = time.monotonic() + REST_S
    with contextlib.suppress(ChildProcessError):
        while True:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                if time.monotonic() > until:
                    send(children(os.getpid()), signal.SIGKILL)
                time.sleep(0.005)


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """A signal to each that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def children(parent: int) -> list[int]:
    """The processes that `parent` has started; each is a session of its own, so that no group has them all."""
    stats = list(Path("/proc").glob("[0-9]*/stat"))
    if not stats:
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True)
        pairs = [line.split() for line in listed.stdout.splitlines()]
        return [int(pid) for pid, started_by in pairs if int(started_by) == parent]
    found = []
    for stat in stats:
        with contextlib.suppress(OSError):  # it has ended
            # Behind the name, which may hold brackets and spaces: its state, and who started it.
            if int(stat.read_text(errors="replace").rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found
