"""The keeper: a small process that owns one PostgreSQL and its directory, and never leaves them behind.

Its first argument is the directory. On stdin come JSON lines: the plan, and after it {"do": "stop" | "start" |
"freeze" | "thaw"}; on stdout it answers each with one: {"pid", "port"}, {"stopped"}, {"frozen"}, {"thawed"} or
{"error"}.

The other end of stdin is held by the bench. When it closes (the bench has ended, crashed or was killed), the keeper
stops PostgreSQL, frozen or not, removes the directory and ends. Run as `python -I keeper.py`: the standard library
only, nothing that the bench could break.
"""

import contextlib
import ctypes
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0
KILL_TIMEOUT_S = 10.0  # the postmaster itself kills a child that ignores SIGQUIT after 5 s

# Below the range from which clients get their own ports (32768 on Linux, 49152 on macOS): while the server is down
# in an outage, a client that tries to reconnect could otherwise be given the server's port.
PORTS = range(20000, 32000)
PORT_ATTEMPTS = 20

COMPLAINT = re.compile(r"\b(PANIC|FATAL|HINT|error|could not)\b.*")  # without the time stamp before it

PR_SET_PDEATHSIG = 1


class HungUpError(Exception):
    """The bench closed its end."""


class StartError(Exception):
    """PostgreSQL did not start; the text is what it said."""


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
            if self.port is not None or "already in use" not in self._said():
                break
        raise StartError(self._said())

    def freeze(self) -> int:
        """SIGSTOP to the postmaster, which then starts no process, and to all that it has started; returns how many."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        frozen = set[int]()
        while new := set(_children(self.process.pid)) - frozen:  # one may have been on its way
            _signal(new, signal.SIGSTOP)
            frozen |= new
        return 1 + len(frozen)

    def thaw(self) -> None:
        """It goes on, whether it was frozen or not."""
        if self.process is not None:
            _thaw(self.process)

    def stop(self) -> None:
        """SIGINT, after 5 s SIGQUIT, after 10 more SIGKILL; also when it was frozen."""
        process, self.process = self.process, None
        if process is None:
            return
        for number, timeout_s in ((signal.SIGINT, STOP_TIMEOUT_S), (signal.SIGQUIT, KILL_TIMEOUT_S)):
            process.send_signal(number)
            _thaw(process)
            try:
                process.wait(timeout_s)
                return
            except subprocess.TimeoutExpired:
                continue
        process.kill()
        process.wait()

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

    def _said(self) -> str:
        """What the last program complained about, in one line."""
        with self.log.open(errors="replace") as log:
            log.seek(self.log_start)
            lines = [line.strip() for line in log if line.strip()]
        complaints = [found[0] for line in lines if (found := COMPLAINT.search(line))]
        return "; ".join((complaints or lines or ["it said nothing"])[-3:])


def _thaw(postmaster: subprocess.Popen[bytes]) -> None:
    _signal(_children(postmaster.pid), signal.SIGCONT)
    postmaster.send_signal(signal.SIGCONT)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _children(parent: int) -> list[int]:
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


def _answer(**fields: object) -> None:
    try:
        print(json.dumps(fields), flush=True)
    except BrokenPipeError:
        raise HungUpError from None


def _serve(server: Server) -> None:
    server.create()
    _answer(**server.start())
    for line in iter(sys.stdin.readline, ""):
        match json.loads(line)["do"]:
            case "freeze":
                _answer(frozen=server.freeze())
            case "thaw":
                server.thaw()
                _answer(thawed=True)
            case "start":
                server.stop()
                _answer(**server.start())
            case _:
                server.stop()
                _answer(stopped=True)


def _hang_up(_number: int, _frame: object) -> None:
    raise HungUpError


def main() -> None:
    """Keep until stdin ends; then nothing is left. An error is told after the directory is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _hang_up)
    directory = Path(sys.argv[1])
    server = None
    error = None
    try:
        plan = sys.stdin.readline()
        if plan:
            server = Server(directory, json.loads(plan))
            _serve(server)
    except HungUpError:
        pass
    except StartError as failure:
        error = str(failure)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if server is not None:
            server.stop()
        shutil.rmtree(directory, ignore_errors=True)
    if error is not None:
        with contextlib.suppress(HungUpError):
            _answer(error=error)


if __name__ == "__main__":
    main()
