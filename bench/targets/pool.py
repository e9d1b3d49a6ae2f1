"""The pool of a service without its HTTP, in a process of its own: `python -m services.inprocess`."""

import subprocess
import tempfile
from collections.abc import Callable
from time import monotonic
from typing import Any

from bench.targets.process import READY_TIMEOUT_S, STOP_TIMEOUT_S, LocalService, ServiceDied
from bench.targets.service import Told
from services.workload.wire import Events, PoolJob, encode


class PoolProcess(LocalService):
    """One process for one job. Entering waits until its pool is open; raises ServiceDied.

    It tells what it counts (`told`, `settings`) as it last said it: when its pool was open, warm, and at rest again.
    """

    def start(self) -> None:
        log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._begin(log, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._events = Events(self._pipe("stdout").fileno())

    def module(self) -> tuple[str, ...]:
        return ("services.inprocess", self.stack.package, self.name)

    def wait_ready(self) -> None:
        """Waits until the pool is open; raises ServiceDied."""
        self._report = self._next_event(monotonic() + READY_TIMEOUT_S, "before it was ready")

    def warm_up(self, job: PoolJob) -> None:
        """Hands the job over, and waits until every connection was used; nothing goes on then. Raises ServiceDied."""
        when = "while it warmed up"
        self._send(encode(job), when)
        self._report = self._next_event(monotonic() + READY_TIMEOUT_S, when)

    def play(self, on_start: Callable[[float], None], *, timeout_s: float) -> tuple[float, int]:
        """Plays the job to its last end; returns t0 and how many requests were sent. The pool stays open.

        `on_start` is called in this thread with t0 on the monotonic clock, up to `LEAD_S` before it comes. Raises
        ServiceDied if the process ends before, or when `timeout_s` has passed.
        """
        deadline = monotonic() + timeout_s
        when = "before the load"
        self._send("go", when)
        t0: float = self._next_event(deadline, when)["t0"]
        on_start(t0)
        self._report = self._next_event(deadline, "under the load")
        return t0, self._report["sent"]

    def told(self) -> Told:
        """What the process counted when it last reported."""
        return Told(self._report["at_s"], self._report["stats"])

    def settings(self) -> dict[str, Any]:
        """What was in force then."""
        in_force: dict[str, Any] = self._report["config"]
        return in_force

    def finish(self) -> None:
        """Lets the process close its pool and end; one that does not is ended by `stop`."""
        self._pipe("stdin").close()
        try:
            assert self._process is not None
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return

    def stop(self) -> int | None:
        pipes = [self._pipe("stdin"), self._pipe("stdout")] if self._process is not None else []
        status = super().stop()
        for pipe in pipes:
            pipe.close()
        return status

    def _pipe(self, name: str) -> Any:
        assert self._process is not None, "not started"
        return getattr(self._process, name)

    def _send(self, line: str, when: str) -> None:
        try:
            self._pipe("stdin").write(line.encode() + b"\n")
        except BrokenPipeError:
            raise self._died(when) from None

    def _next_event(self, deadline: float, when: str) -> dict[str, Any]:
        try:
            return self._events.next(deadline)
        except TimeoutError:
            raise ServiceDied(f"the pool of {self.name} did not get on {when}", self.log_tail()) from None
        except EOFError:
            raise self._died(when) from None

    def _died(self, when: str) -> ServiceDied:
        assert self._process is not None
        self._process.wait()  # its last words are in the log then
        return ServiceDied(f"the pool of {self.name} died {when}", self.log_tail())
