"""The processes of one `bench` command, by their part in it, and what is left of them and on disk after a kill.

Only processes that this program's own commands have started are found: those that carry the command's mark in their
environment, and PostgreSQL's, which are given none, by the directory that they work in.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep, time
from typing import IO, Final

import psutil

MARK: Final = "POOLBENCH_KILLS"
POLL_S: Final = 0.1
CLOCK_S: Final = 2.0
"""The kernel's clock of starts may be that wrong; what is older is not asked for its environment."""
SWEEP: Final = """
from bench import temporary
from bench.postgres import scratch
scratch.sweep()
temporary.sweep(temporary.SAMPLES)
"""
"""What every run does before it begins."""


@dataclass(frozen=True)
class Left:
    """What was there that should not have been; nothing of it is the aim."""

    processes: tuple[str, ...] = ()
    stopped: int = 0
    listeners: int = 0
    swept: int = 0
    """Directories that the next run removes."""
    directories: tuple[str, ...] = ()
    """What lies in the temporary directory after the sweep."""

    @property
    def clean(self) -> bool:
        return not (self.processes or self.stopped or self.listeners or self.directories)


@dataclass
class Command:
    """A `bench` command in a temporary directory of its own."""

    arguments: tuple[str, ...]
    place: Path
    mark: str
    log: IO[bytes] = field(init=False)
    bench: subprocess.Popen[bytes] = field(init=False)
    began: float = field(default_factory=time)

    def start(self) -> None:
        self.log = (self.place / "said").open("w+b")
        self.bench = subprocess.Popen(
            [sys.executable, "-m", "bench.cli", *self.arguments],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            env={**os.environ, "TMPDIR": str(self.temporary), MARK: self.mark},
            start_new_session=True,
        )

    @property
    def temporary(self) -> Path:
        return self.place / "tmp"

    def said(self) -> str:
        """All that it has printed."""
        return (self.place / "said").read_text(errors="replace")

    def processes(self) -> list[psutil.Process]:
        """Those that live, zombies not among them."""
        return [process for process in psutil.process_iter() if self._owns(process)]

    def _owns(self, process: psutil.Process) -> bool:
        try:
            if process.create_time() < self.began - CLOCK_S or process.status() == psutil.STATUS_ZOMBIE:
                return False
            if process.environ().get(MARK) == self.mark:
                return True
            return Path(process.cwd()).is_relative_to(self.temporary)
        except (psutil.Error, OSError):
            return False

    def victims(self, part: str) -> list[psutil.Process]:
        """The processes with that part, as far as they are there now."""
        if part == "bench and keeper":
            both = self.victims("bench") + self.victims("keeper")
            return both if len(both) == 2 else []
        return [process for process in self.processes() if _part(process, self.bench.pid) == part]

    def left(self, within_s: float) -> Left:
        """What is left when nothing of it ends any more, `within_s` at the most; then that is ended and swept."""
        until = monotonic() + within_s
        while (living := self.processes()) and monotonic() < until:
            sleep(POLL_S)
        left = Left(
            processes=tuple(_named(process) for process in living),
            stopped=sum(_status(process) == psutil.STATUS_STOPPED for process in living),
            listeners=sum(map(_listens, living)),
        )
        for process in living:
            with contextlib.suppress(psutil.Error):
                process.kill()
        before = len(list(self.temporary.iterdir()))
        subprocess.run([sys.executable, "-c", SWEEP], check=True, env={**os.environ, "TMPDIR": str(self.temporary)})
        after = tuple(path.name for path in self.temporary.iterdir())
        return Left(left.processes, left.stopped, left.listeners, before - len(after), after)


def kill(processes: list[psutil.Process]) -> bool:
    """SIGKILL to each; whether all were there."""
    try:
        for process in processes:
            process.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return False
    return True


@contextlib.contextmanager
def started(command: Command) -> Iterator[Command]:
    """The command, which is killed at the end where it lives."""
    command.temporary.mkdir(parents=True)
    for path in (command.place, command.temporary):
        path.chmod(0o711)  # the server's user passes through
    command.start()
    try:
        yield command
    finally:
        command.bench.kill()
        command.bench.wait()
        command.log.close()


def _part(process: psutil.Process, bench: int) -> str | None:
    """What a process is in its command; None where it is none of the victims."""
    if process.pid == bench:
        return "bench"
    try:
        words, ours = process.cmdline(), process.ppid() == bench
    except psutil.Error:
        return None
    parts = {
        "keeper" if ours else "guard": any(word.endswith("keeper.py") for word in words),  # a guard is its fork
        "generator": "bench.load.child" in words,
        "service" if ours else "worker": any(word.startswith("services.") for word in words),
        "postmaster": bool(words)
        and words[0].endswith("/postgres")
        and any(word.startswith("port=") for word in words),
        "backend": bool(words) and words[0].startswith("postgres: labuser"),
    }
    return next((part for part, is_it in parts.items() if is_it), None)


def _status(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return str(process.status())
    return ""


def _listens(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return sum(one.status == psutil.CONN_LISTEN for one in process.net_connections("inet"))
    return 0


def _named(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())[:80] or process.name()
    return "ended"
