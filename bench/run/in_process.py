"""A cell on the pool without HTTP: tasks or threads in the pool's own process send the requests.

The figures hold the library, its driver and its concurrency model, and no framework, server or socket of a client.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bench.load.outcome import Outcome
from bench.observe.sampler import SHORTEST_S
from bench.record.rows import Row
from bench.record.schema import Cell
from bench.run.executor import WARM_UP_HOLD_MS, WARM_UP_ROUNDS, Seen, Subject, workload
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.model import Asked, Leak, ReleaseLeaks
from bench.targets.pool import PoolProcess
from bench.targets.target import Target
from services.common import contract
from services.workload.samples import EVENTS, LOOKS
from services.workload.wire import Fault, PoolJob


def unfit(cell: Cell) -> str | None:
    """Why a cell cannot be played on the pool alone; None where it can."""
    mix = SCENARIOS[cell.scenario].at(cell.hold_ms).mix
    paths = {urlsplit(share.path).path for share in mix}
    if paths == {contract.NOOP}:
        return "it takes no connection, so that nothing of it is left without HTTP"
    if len(mix) > 1 or not paths <= set(contract.ONE_CHECKOUT):
        return f"it asks for {', '.join(sorted(paths))}, and the pool alone plays {' and '.join(contract.ONE_CHECKOUT)}"
    return None


class PoolExecutor:
    """Plays cells on pools, each in a process of its own."""

    def __init__(self, target: Target) -> None:
        self._target = target

    @contextmanager
    def open(self, cell: Cell, asked: Asked, settings: Mapping[str, Any], out: Path) -> Iterator[Subject]:
        """Raises ServiceDied."""
        with self._target.open_pool(cell.service, settings) as process:
            yield PoolSubject(process, job(cell, asked, out))
            process.finish()


class PoolSubject:
    """A pool whose process says what it counts, and looks at the pool by itself."""

    base_url = ""
    generator = None

    def __init__(self, process: PoolProcess, job: PoolJob) -> None:
        self.application_name = process.application_name
        self.told = process.told
        self.settings = process.settings
        self.usage = process.usage
        self.processes = process.processes
        self._process = process
        self._job = job

    def warm_up(self) -> None:
        self._process.warm_up(self._job)

    def play(self, on_start: Callable[[float], None], *, timeout_s: float) -> Outcome:
        t0, sent = self._process.play(on_start, timeout_s=timeout_s)
        return Outcome(job=self._job, t0=t0, sent=sent, generator_cpu_s=0.0)

    def refuse_another(self) -> None:
        """The process that says `finished` is the one that was started."""

    def seen(self) -> Seen:
        out = Path(self._job.out)
        looks = (json.loads(line) for line in (out / LOOKS).read_text().splitlines())
        events = (json.loads(line) for line in (out / EVENTS).read_text().splitlines())
        # PostgreSQL's view and CPU seconds are what the process does not know of itself.
        rows = [Row(round(t_s * 1e6), *counts) for t_s, *counts in looks]
        return Seen(rows, [(t_s, kind, text) for t_s, kind, text in events])


def job(cell: Cell, asked: Asked, out: Path) -> PoolJob:
    """The cell's workload with the same seed as over HTTP, and what the pool's own process does beside it."""
    path = urlsplit(asked.mix[0].path)
    return PoolJob(
        workload=workload(cell, asked),
        out=str(out),
        hold_ms=int(parse_qs(path.query).get("hold_ms", [asked.hold_ms])[0]),
        release="explicit" if path.path == contract.QUERY else "context-manager",
        faults=tuple(_leaks(asked)),
        look_every_s=max(SHORTEST_S, asked.hold_ms / 1000 / 5),
        warm_up_rounds=WARM_UP_ROUNDS,
        warm_up_hold_ms=WARM_UP_HOLD_MS,
    )


def _leaks(asked: Asked) -> Iterator[Fault]:
    """The faults that happen in the pool's own process, in the order of time."""
    for fault in sorted(asked.scenario.faults, key=lambda fault: fault.at):
        at_s = fault.at * asked.unit_s
        match fault:
            case Leak():
                yield Fault(at_s=at_s, count=fault.count, how=fault.how)
            case ReleaseLeaks():
                yield Fault(at_s=at_s)
