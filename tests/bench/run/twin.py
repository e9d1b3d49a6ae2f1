"""An executor without processes: every cell is played at once, as its script says."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import psutil

from bench.load.outcome import Outcome
from bench.record.schema import Cell
from bench.run.executor import Seen, workload
from bench.scenarios.model import Asked
from bench.targets.service import Told, Usage
from services.workload.samples import REQUESTS, SampleError, SampleWriter
from services.workload.wire import Job


@dataclass
class Twin:
    """Answers `requests` requests within their hold, and notes what is done to it, in order."""

    requests: int = 5
    changed: Mapping[str, Any] = field(default_factory=dict)
    """Settings in force that are not those that were asked for."""
    lost: int = 0
    """Requests that are missing in the samples."""
    fails: Mapping[str, Exception] = field(default_factory=dict)
    """Step → what it raises."""
    looked: Seen = field(default_factory=Seen)
    done: list[str] = field(default_factory=list)
    opened: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """The name of each cell's service, with its settings."""

    @contextmanager
    def open(self, cell: Cell, asked: Asked, settings: Mapping[str, Any], out: Path) -> Iterator["TwinSubject"]:
        self.opened.append((cell.service, dict(settings)))
        self.step("open")
        try:
            yield TwinSubject(self, {**settings, **self.changed}, Job(workload=workload(cell, asked), out=str(out)))
        finally:
            self.done.append("close")

    def step(self, name: str) -> None:
        self.done.append(name)
        if name in self.fails:
            raise self.fails[name]


class TwinSubject:
    base_url = ""
    application_name = None
    generator = None

    def __init__(self, twin: Twin, settings: dict[str, Any], job: Job) -> None:
        self._twin = twin
        self._settings = settings
        self._job = job

    def told(self) -> Told:
        return Told(monotonic(), {"pool_size": self._settings["pool_min_size"], "waiting_requests": 0})

    def settings(self) -> dict[str, Any]:
        return self._settings

    def usage(self) -> Usage | None:
        return None

    def processes(self) -> list[psutil.Process]:
        return []

    def warm_up(self) -> None:
        self._twin.step("warm up")

    def play(self, on_start: Callable[[float], None], *, timeout_s: float) -> Outcome:
        self._twin.step("play")
        t0 = monotonic()
        on_start(t0)
        writer = SampleWriter(Path(self._job.out) / REQUESTS)
        for n in range(self._twin.requests - self._twin.lost):
            writer.add(
                n=n,
                user=n,
                path=0,
                planned_s=0.0,
                sent_s=n / 1000,
                finished_s=0.1,
                status=200,
                error=SampleError.none,
                timing=(0.0, 100.0, 0.0, 100.0),
            )
        writer.close()
        return Outcome(job=self._job, t0=t0, sent=self._twin.requests, generator_cpu_s=0.25)

    def refuse_another(self) -> None:
        self._twin.step("same process")

    def seen(self) -> Seen:
        return self._twin.looked
