"""The bench's side of the load generator: one child process that plays a workload at a time.

Locust and gevent stay out of this process.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NoReturn, Self

import bench
from bench.load.outcome import Outcome
from services.workload.wire import Events, HttpJob, Result, encode

_READY_TIMEOUT_S = 60.0
_TAIL_LINES = 12


class GeneratorFailed(RuntimeError):
    """The load could not be played; the text says why, and `log_tail` has the generator's last lines if it died."""

    def __init__(self, text: str, log_tail: str | None = None) -> None:
        super().__init__(text)
        self.log_tail = log_tail


class LoadGenerator:
    """The child process: started once, given one load after another, gone when the block ends.

    `start()` returns at once while the child imports Locust (about a second): other set-up can overlap;
    `play` waits for it. After a `GeneratorFailed` the next `start()` or `play` begins a new child if the
    old one is gone. Not for use from several threads at once.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._events: Events | None = None
        self._ready = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The child's process id, for the sampler of its CPU time. Raises RuntimeError before `start`."""
        if self._child is None:
            raise RuntimeError("the load generator was not started")
        return self._child.pid

    def start(self) -> None:
        """Begin the child, unless it is there already. Does not wait for it."""
        if self._child is not None and self._child.poll() is None:
            return
        self.stop()
        root = str(Path(bench.__file__).resolve().parent.parent)
        search_path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        # A session of its own: a Ctrl-C at the terminal reaches the bench alone, which then stops the child.
        self._child = subprocess.Popen(
            [sys.executable, "-m", "bench.load.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            bufsize=0,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": search_path},
        )
        assert self._child.stdout is not None
        self._events = Events(self._child.stdout.fileno())
        self._ready = False

    def wait_ready(self, timeout_s: float = _READY_TIMEOUT_S) -> None:
        """Wait until the child can play. Raises GeneratorFailed if it dies or needs more than `timeout_s`."""
        if not self._ready:
            self._next_event(time.monotonic() + timeout_s)
            self._ready = True

    def play(
        self,
        job: HttpJob,
        on_start: Callable[[float], None] | None = None,
        *,
        timeout_s: float,
    ) -> Outcome:
        """Play one workload to its last answer; its samples go to the directory of the job.

        `on_start` is called in this thread with t0 (CLOCK_MONOTONIC, seconds) up to 50 ms before it comes:
        the place to start a time line and a sampler. `timeout_s` bounds the whole, warm-up included.

        Raises GeneratorFailed if the service does not answer before the load; the child goes on then. Raises
        it too if the child dies or `timeout_s` passes; it is ended then, and nothing is made of its samples.
        """
        self.start()
        self.wait_ready()
        deadline = time.monotonic() + timeout_s
        self._send(encode(job))
        while True:
            event = self._next_event(deadline)
            kind = event.pop("event")
            if kind == "started" and on_start is not None:
                on_start(event["t0"])
            elif kind == "failed":
                raise GeneratorFailed(event["error"])
            elif kind == "finished":
                result = Result(**event)
                return Outcome(job=job, t0=result.t0, sent=result.sent, generator_cpu_s=result.cpu_s)

    def stop(self) -> None:
        """End the child at once, whatever it is doing. Safe to call twice."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            for pipe in (self._child.stdin, self._child.stdout, self._log):
                if pipe is not None:
                    pipe.close()
            self._child = self._log = None

    def _send(self, line: str) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(line.encode() + b"\n")
        except BrokenPipeError:
            self._fail("died")

    def _next_event(self, deadline: float) -> dict[str, Any]:
        assert self._events is not None
        try:
            return self._events.next(deadline)
        except TimeoutError:
            self._fail("did not finish in time")
        except EOFError:
            self._fail("died")

    def _fail(self, what: str) -> NoReturn:
        assert self._child is not None
        assert self._log is not None
        self._child.kill()
        code = self._child.wait()
        self._log.seek(0)
        tail = self._log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
        self.stop()
        last = f": {tail[-1]}" if tail else ""
        raise GeneratorFailed(f"the load generator {what} (exit status {code}){last}", "\n".join(tail) or None)
