"""A service as a process of its own on this machine, as its own `__main__` starts it."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Any, ClassVar, Final, Self

import psutil

from bench.postgres.database import Database
from bench.targets.http import Client, ServiceError
from bench.targets.service import Usage
from services.common import contract
from services.stacks import STACKS

HOST: Final = "127.0.0.1"
READY_TIMEOUT_S: Final = 40.0
STOP_TIMEOUT_S: Final = 6.0
LOG_TAIL_LINES: Final = 12
PROBE_THREADS: Final = 8
ROOT: Final = Path(__file__).resolve().parents[2]
SCHEMA_SQL: Final = ROOT / "services" / "schema.sql"


class ServiceDied(RuntimeError):
    """A service that ended by itself, or never answered; `log_tail` has its last lines, where they can be had."""

    def __init__(self, text: str, log_tail: str = "") -> None:
        super().__init__(text)
        self.log_tail = log_tail


class LocalService:
    """One service process. Entering waits until it answers with its pool open; raises ServiceDied."""

    python: ClassVar[Path] = Path(sys.executable)
    root: ClassVar[Path] = ROOT
    """Whose code it is: the checkout, and the interpreter of its environment."""

    def __init__(
        self,
        name: str,
        database: Database,
        settings: Mapping[str, Any] | None = None,
        port: int | None = None,
        libraries: Path | None = None,
    ) -> None:
        self.name = name
        self.stack = STACKS[name]
        self.port = port or free_port()
        self.base_url = f"http://{HOST}:{self.port}"
        self._environment = _environment(database, settings or {}, self.port, (libraries, self.stack.home))
        self._log: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begins the process; does not wait for it."""
        log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._begin(log, stdin=subprocess.DEVNULL, stdout=log)

    def module(self) -> tuple[str, ...]:
        """What `python -m` is given: a module, and its arguments."""
        return (self.stack.package,)

    def _begin(self, log: IO[bytes], *, stdin: int, stdout: int | IO[bytes]) -> None:
        self._log = log
        self._process = subprocess.Popen(
            [str(self.python), "-m", *self.module()],
            cwd=self.root,
            env=self._environment,
            stdin=stdin,
            stdout=stdout,
            stderr=log,
            bufsize=0,
            start_new_session=True,  # a Ctrl-C at the terminal is the bench's to handle
            preexec_fn=partial(end_with, os.getpid()),  # noqa: PLW1509 - started from the main thread, before any lock is held
        )

    def wait_ready(self) -> None:
        """Waits for an answer from the service with its pool open; raises ServiceDied."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while True:
            if not self.alive:
                raise ServiceDied(f"{self.name} ended before it answered", self.log_tail())
            try:
                with Client(self.base_url, timeout_s=5) as client:
                    client.get(contract.STATS)
                return
            except (OSError, http.client.HTTPException, ServiceError):
                if time.monotonic() > deadline:
                    raise ServiceDied(f"{self.name} did not answer in {READY_TIMEOUT_S:g} s", self.log_tail()) from None
                time.sleep(0.02)

    @property
    def application_name(self) -> str:
        return self.name

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    def usage(self) -> Usage:
        """CPU seconds and memory of the process and its children (gunicorn's arbiter has workers)."""
        cpu_s = rss = 0.0
        shares: list[float | None] = []
        for process in self.processes():
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    cpu_s += times.user + times.system
                    rss += process.memory_info().rss
                shares.append(getattr(process.memory_full_info(), "pss", None))
            except psutil.Error:
                continue
        known = [share for share in shares if share is not None]
        return Usage(cpu_s, rss / 2**20, sum(known) / 2**20 if known and len(known) == len(shares) else None)

    def processes(self) -> list[psutil.Process]:
        """The process and its children, as far as they are there."""
        try:
            root = psutil.Process(self.pid)
            return [root, *root.children(recursive=True)]
        except psutil.Error:
            return []

    def log_tail(self) -> str:
        """The last lines that the process printed."""
        if self._log is None:
            return ""
        self._log.seek(0)
        return "\n".join(self._log.read().decode(errors="replace").splitlines()[-LOG_TAIL_LINES:])

    def stop(self) -> int | None:
        """SIGTERM, and SIGKILL for what is left of its session, after 6 s at the latest; returns the exit status.

        Safe to call twice.
        """
        if self._process is None:
            return None
        process, self._process = self._process, None
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_S)
        _kill_session(process.pid)  # an arbiter that was killed has left its workers, and these wait for their threads
        status = process.wait()
        if self._log is not None:
            self._log.close()
            self._log = None
        return status


def free_port() -> int:
    """A port of loopback that no process listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def port_in_use(port: int) -> bool:
    """Whether a process listens there already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
        return False


def path_first(*directories: Path | None) -> str:
    """`PYTHONPATH` with these before what it has, as far as they are given."""
    return os.pathsep.join(filter(None, (*(str(one) for one in directories if one), os.environ.get("PYTHONPATH"))))


def _environment(
    database: Database, settings: Mapping[str, Any], port: int, first: tuple[Path | None, ...]
) -> dict[str, str]:
    """The caller's environment without anything that could configure a service, and with what was asked for.

    `first` is what goes before the bench's own libraries: another version of one, and where the service's package
    lies, unless it is one of this checkout.
    """
    own = {"HOST", "PORT", "TUNING", "WORKERS", "THREADS", "WEB_CONCURRENCY", "GUNICORN_CMD_ARGS"}
    prefixes = ("DB_", "POOL_", "WORK_", "OTEL_", "UVICORN_", "PG", "PROMETHEUS_")
    kept = {name: value for name, value in os.environ.items() if name not in own and not name.startswith(prefixes)}
    asked = {name.upper(): str(value) for name, value in settings.items()}
    if path := path_first(*first):
        kept["PYTHONPATH"] = path
    return kept | {"PYTHONUNBUFFERED": "1", "HOST": HOST, "PORT": str(port)} | database.env() | asked


def end_with(bench: int) -> None:
    """On Linux, the kernel ends the service when the bench is gone, however it went."""
    if sys.platform == "linux":
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGTERM)
        if os.getppid() != bench:  # it went just before
            os._exit(1)


def _kill_session(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
