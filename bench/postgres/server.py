"""One PostgreSQL in its directory, as the keeper starts, stops and looks after it.

Part of the keeper's process: the standard library only.
"""

import contextlib
import ctypes
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.postgres.freezer import Freezer, children, end_orphans, send

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0
KILL_TIMEOUT_S = 10.0  # the postmaster itself kills a child that ignores SIGQUIT after 5 s

# Below the range from which clients get their own ports (32768 on Linux, 49152 on macOS): while the server is down
# in an outage, a client that tries to reconnect could otherwise be given the server's port.
PORTS = range(20000, 32000)
PORT_ATTEMPTS = 20

CRASH = re.compile(r"\w[\w ]* \(PID \d+\) was terminated by .*")
COMPLAINT = re.compile(r"\b(PANIC|FATAL|HINT|error|could not)\b.*")  # without the time stamp before it

PR_SET_PDEATHSIG = 1


class HungUpError(Exception):
    """The bench closed its end."""


class StartError(Exception):
    """PostgreSQL did not start; the text is what it said."""


class DiedError(Exception):
    """PostgreSQL ended, and was not asked to; the text says how."""


class Server:
    """One PostgreSQL in `directory`; `plan`: postgres, initdb, settings, port, superuser, password, uid, gid."""

    def __init__(self, directory: Path, plan: dict[str, Any]) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.log = directory / "postgres.log"
        self.log_start = 0  # where the program that runs now began to write
        self.plan = plan
        self.port: int | None = plan["port"]
        self.process: subprocess.Popen[bytes] | None = None
        self.freezer = Freezer()

    def create(self) -> None:
        """Make the data directory (0.4 s)."""
        self.data.mkdir(mode=0o700)
        password = self.directory / "password"
        password.touch(mode=0o600)
        password.write_text(self.plan["password"])
        if self.plan["uid"] is not None:
            for path in (self.data, password):
                os.chown(path, self.plan["uid"], self.plan["gid"])
        command = [self.plan["initdb"], "-D", self.data, "-U", self.plan["superuser"], f"--pwfile={password}"]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]
        if self._spawn(command, signal.SIGTERM).wait() != 0:
            raise StartError(f"initdb: {self._said()}")
        password.unlink()

    def start(self) -> dict[str, int]:
        """Start and wait until it takes connections; a port of our own choice that is taken is replaced."""
        if _hung_up(0):
            raise HungUpError
        for attempt in range(1, PORT_ATTEMPTS + 1):
            port = self.port or random.choice(PORTS)  # noqa: S311  not a secret
            if self.port is None and not _is_free(port) and attempt < PORT_ATTEMPTS:
                continue
            settings = {**self.plan["settings"], "port": str(port)}
            options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
            self.process = self._spawn([self.plan["postgres"], "-D", self.data, *options], signal.SIGQUIT)
            if self._became_ready(self.process):
                self.port = port
                return {"pid": self.process.pid, "port": port}
            self._refuse_killed()
            if self.port is not None or "already in use" not in self._said():
                break
        raise StartError(self._said())

    def freeze(self, most_s: float) -> int:
        """All its processes stand still until `thaw`, and for `most_s` at the most; returns how many."""
        assert self.process is not None
        return self.freezer.freeze(self.process.pid, most_s)

    def thaw(self) -> None:
        """The server goes on, whether it was frozen or not, and by which process."""
        self.freezer.thaw()
        if self.process is not None:
            send([*children(self.process.pid), self.process.pid], signal.SIGCONT)

    def look(self) -> None:
        """Raises DiedError where the postmaster has ended and was not asked to."""
        self.freezer.look()
        if self.process is not None and self.process.poll() is not None:
            self._refuse_killed()
            raise DiedError(self._said(CRASH))

    def _refuse_killed(self) -> None:
        assert self.process is not None
        if (status := self.process.poll() or 0) < 0:
            raise DiedError(f"its postmaster was killed by {signal.Signals(-status).name}")

    def stop(self) -> None:
        """SIGINT, after 5 s SIGQUIT, after 10 more SIGKILL; also when it was frozen."""
        if self.process is None:
            return
        for number, timeout_s in ((signal.SIGINT, STOP_TIMEOUT_S), (signal.SIGQUIT, KILL_TIMEOUT_S)):
            self.process.send_signal(number)
            self.thaw()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout_s)
                break
        else:
            self.process.kill()
            self.process.wait()
        self.process = None
        end_orphans()

    def _spawn(self, command: list[str | Path], when_orphaned: signal.Signals) -> subprocess.Popen[bytes]:
        as_user: dict[str, Any] = {}
        if self.plan["uid"] is not None:
            as_user = {"user": self.plan["uid"], "group": self.plan["gid"], "extra_groups": []}
        kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # no PG*: PGPORT and the like would be obeyed
        with self.log.open("ab") as log:
            self.log_start = log.tell()
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data,
                env={"LC_ALL": "C", **{name: os.environ[name] for name in kept if name in os.environ}},
                start_new_session=True,
                preexec_fn=_prepare_child(when_orphaned),  # noqa: PLW1509  the keeper has one thread
                **as_user,
            )

    def _became_ready(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                lines = (self.data / "postmaster.pid").read_text().splitlines()
            except FileNotFoundError:
                lines = []
            # The eighth line is the server's state; the first tells whether the file is of this start.
            if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                return True
            if process.poll() is not None:
                return False
            if _hung_up(0.01):
                raise HungUpError
        return False

    def _said(self, first: re.Pattern[str] = COMPLAINT) -> str:
        """What the last program complained about, in one line: what is like `first`, where there is any."""
        with self.log.open(errors="replace") as log:
            log.seek(self.log_start)
            lines = [line.strip() for line in log if line.strip()]
        for pattern in (first, COMPLAINT):
            if complaints := [found[0] for line in lines if (found := pattern.search(line))]:
                return "; ".join(complaints[-3:])
        return "; ".join(lines[-3:]) or "it said nothing"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _prepare_child(when_orphaned: signal.Signals) -> Callable[[], None]:
    """What a child does before it becomes PostgreSQL.

    On Linux the kernel signals it when the keeper itself is killed; elsewhere the next run's sweep does.
    """
    # Looked up before the fork: after it, loading could hang.
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    keeper = os.getpid()

    def prepare() -> None:
        # The keeper's deafness is inherited, and a server that is stopped while it starts would miss it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, int(when_orphaned))
            if os.getppid() != keeper:
                os._exit(1)

    return prepare


def _hung_up(timeout_s: float) -> bool:
    """Whether stdin ends within that time; the bench says nothing while it waits for an answer."""
    return bool(select.select([sys.stdin], [], [], timeout_s)[0])
