"""One cell: one scenario on one service, from the settings to the last sample.

In: what is asked, a way to open the service, a load generator. Out: a `Cell` with its samples, whatever happened.
"""

import http.client
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, sleep, time
from typing import TYPE_CHECKING, Any, Final

import psutil
import psycopg

from bench.analysis.leaks import leaks_of
from bench.faults.outage import FaultFailed, Freezable, Struck
from bench.faults.timeline import Emit, Timeline
from bench.load.driver import GeneratorFailed, LoadGenerator
from bench.observe.sampler import Sampler
from bench.observe.totals import OverHttp, Totals, counted
from bench.postgres.database import Database
from bench.record.schema import Cell, Event, Reading, Row
from bench.run.measured import Measured, Meter
from bench.scenarios.loads import Drive, length_s
from bench.scenarios.model import Asked
from bench.targets.http import Client, ServiceError
from bench.targets.process import PROBE_THREADS, ServiceDied
from bench.targets.service import Service, restarted
from services.common import contract
from services.stacks import STACKS

if TYPE_CHECKING:
    import polars as pl

WARM_UP_HOLD_MS: Final = 20
WARM_UP_ROUNDS: Final = 2
SETTLE_TIMEOUT_S: Final = 10.0
REST_S: Final = 2.0
"""What a service has, beyond patience and hold, to come to rest after the load."""


@dataclass(frozen=True)
class Played:
    """A cell and what it left: samples of requests (None where there are none), of the pool, and events."""

    cell: Cell
    requests: "pl.DataFrame | None"
    samples: list[Row]
    events: list[Event]


@dataclass(frozen=True)
class Conditions:
    """What all cells of a run share."""

    open: Callable[[str, Mapping[str, Any]], AbstractContextManager[Service]]
    """A service of this name with these settings in force, for as long as a cell lasts."""
    database: Database | None
    """Where PostgreSQL is asked for its own view of the pool; None where it cannot be."""
    local_database: bool
    tuning: contract.Tuning
    work_units: int
    """Iterations of `burn` for the profile's hold, calibrated on the idle database; 0 where no cell needs it."""
    stack: Callable[[str], str] = str
    """Which service it is, whatever the run calls it."""
    server: Freezable | None = None
    """The PostgreSQL, where this run has started it."""

    def struck(self, service: Service) -> Struck:
        """What an outage of a cell on this service can reach."""
        return Struck(database=self.database, application_name=service.application_name, server=self.server)


class Mismatch(RuntimeError):
    """A service whose settings in force are not those that were asked for."""


def settings_for(asked: Asked, conditions: Conditions, service: str) -> dict[str, Any]:
    """The settings of a measured service: the environment of a process, or what a service elsewhere is told."""
    scenario = asked.scenario
    settings: dict[str, Any] = {
        "work_time_ms": asked.hold_ms,
        "work_kind": scenario.work_kind,
        "work_units": conditions.work_units if scenario.work_kind == "cpu" else 0,
        "pool_acquire_timeout": asked.patience_s,
        "pool_min_size": scenario.pool_size,
        "pool_max_size": scenario.pool_size,
        "tuning": conditions.tuning,
    }
    if (stack := STACKS.get(service)) and stack.traits.threads:
        settings["threads"] = asked.most_in_flight + PROBE_THREADS
    return settings


def play(cell: Cell, asked: Asked, conditions: Conditions, generator: LoadGenerator, *, sampled: bool = True) -> Played:
    """Plays one cell. Never raises for what a service does: the cell is then marked failed, and says why.

    Without `sampled` nobody looks at the pool meanwhile, and there are no samples.
    """
    began, began_s = monotonic(), time()
    samples: list[Row] = []
    events: list[Event] = []
    settings = settings_for(asked, conditions, conditions.stack(cell.service))
    emit = emitter(cell, events)
    try:
        with conditions.open(cell.service, settings) as service:
            in_force = _read_back(service.base_url, settings)
            _warm_up(service.base_url, asked.scenario.pool_size)
            generator.wait_ready()
            with (
                Client(service.base_url) as client,
                Totals(OverHttp(client), service.application_name, conditions.database) as totals,
            ):
                before, was = totals.read(), _stats(service)
                struck = conditions.struck(service)
                sampler = _sampler(service, conditions, asked, generator, samples, struck) if sampled else None
                timeline = Timeline(service.base_url, asked.scenario.faults, asked.unit_s, emit, struck)
                measured = _measure(service, generator, _drive(cell, asked, service), sampler, timeline)
                _refuse_another(service, was)
                after, settings_after = _at_rest(service, totals, events, asked)
                refuse_lost(before, after)
        audited = counted(before, after, measured.outcome.t0, in_force, settings_after)
        ended = replace(
            cell,
            settings=in_force,
            counted=audited,
            took_s=monotonic() - began,
            **measured.figures | {"cpu": measured.cpu(samples)},
        )
        return Played(ended, measured.requests, samples, events)
    except ServiceDied as error:
        failed = replace(cell, status="failed", why=str(error), log_tail=error.log_tail)
    except (
        GeneratorFailed, FaultFailed, Mismatch, ServiceError, http.client.HTTPException, psycopg.Error, OSError,
    ) as error:  # fmt: skip
        failed = replace(cell, status="failed", why=(str(error) or type(error).__name__).splitlines()[0])
    failed = replace(failed, began_s=round(began_s, 3), took_s=monotonic() - began)
    return Played(failed, None, samples, events)


def _measure(
    service: Service, generator: LoadGenerator, drive: Drive, sampler: Sampler | None, timeline: Timeline
) -> Measured:
    """Plays the load, with everything that looks on; raises ServiceDied where the service does not outlive it."""

    process = psutil.Process(generator.pid)
    before = Meter.read(service, process)

    def on_start(t0: float) -> None:
        nonlocal before
        before = Meter.read(service, process)  # what the generator's own warm-up cost is no part of the load
        if sampler:
            sampler.start(t0)
        timeline.start(t0)

    with tempfile.TemporaryDirectory(prefix="poolbench-samples-") as directory:
        try:
            with _watched(service, generator):
                outcome = generator.drive(
                    drive, Path(directory) / "samples", on_start, timeout_s=length_s(drive.load) + drive.give_up_s + 60
                )
            after = Meter.read(service, process)
        except GeneratorFailed:
            if not service.alive:
                raise ServiceDied(f"{service.name} died under the load", service.log_tail()) from None
            raise
        finally:
            timeline.stop()
            if sampler:
                sampler.stop()
        timeline.refuse_failure()
        return Measured(outcome, outcome.frame(), before, after)


def come_to_rest(totals: Totals, events: list[Event], asked: Asked) -> tuple[Reading, dict[str, Any]]:
    """What is counted once the service has come to rest, and its settings then."""
    most_s = asked.patience_s + asked.hold_ms / 1000 + REST_S
    return totals.read_at_rest(leaks_of(events).still_out, most_s), totals.settings()


def refuse_lost(before: Reading, after: Reading) -> None:
    """Raises Mismatch where PostgreSQL answered before the load and does not after it."""
    if before.reads is not None and after.reads is None:
        raise Mismatch("PostgreSQL answers no more after the load: what failed was not the pool")


def _at_rest(service: Service, totals: Totals, events: list[Event], asked: Asked) -> tuple[Reading, dict[str, Any]]:
    """The same for a service that may have gone; raises ServiceDied."""
    try:
        return come_to_rest(totals, events, asked)
    except (OSError, http.client.HTTPException, ServiceError) as error:
        raise ServiceDied(f"{service.name} after the load: {error}", service.log_tail()) from None


@contextmanager
def _watched(service: Service, generator: LoadGenerator) -> Iterator[None]:
    """Ends the generator as soon as the service is dead: nobody answers any more, and refusals prove nothing."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            if not service.alive:
                os.kill(generator.pid, signal.SIGKILL)
                return

    watcher = threading.Thread(target=watch, name="watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def emitter(cell: Cell, events: list[Event]) -> Emit:
    """What puts down a cell's events, for whoever makes something happen."""

    def emit(t_s: float, kind: str, text: str) -> None:
        event = Event(scenario=cell.scenario, service=cell.service, block=cell.block, t_s=t_s, kind=kind, text=text)
        events.append(event)

    return emit


def _sampler(
    service: Service,
    conditions: Conditions,
    asked: Asked,
    generator: LoadGenerator,
    rows: list[Row],
    struck: Struck,
) -> Sampler:
    name = service.application_name
    return Sampler(
        service.base_url,
        name or "",
        conditions.database if name else None,
        rows,
        local_database=conditions.local_database,
        hold_s=asked.hold_ms / 1000,
        generator=psutil.Process(generator.pid),
        processes=service.processes,
        asking=struck.asking,
    )


def _drive(cell: Cell, asked: Asked, service: Service) -> Drive:
    return Drive(base_url=service.base_url, load=asked.load, mix=asked.mix, seed=cell.seed, give_up_s=asked.give_up_s)


def _read_back(base_url: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in force; raises Mismatch where one is not what was asked for."""
    with Client(base_url) as client:
        in_force = client.get(contract.CONFIG)
        stats = client.get(contract.STATS)
    compare(in_force, stats["pool_size"], settings)
    return in_force


def compare(in_force: Mapping[str, Any], made: int | None, settings: Mapping[str, Any]) -> None:
    """Raises Mismatch where a setting in force, or the number of connections made, is not what was asked for."""
    for name, wanted in settings.items():
        # A service elsewhere may have threads to spare; too few of them hide a queue (see `Target.unfit`).
        if name in in_force and name != "threads" and in_force[name] != wanted:
            raise Mismatch(f"{name} is {in_force[name]!r} in force, and {wanted!r} was asked for")
    if made is not None and made < settings["pool_min_size"]:
        raise Mismatch(f"{made} of {settings['pool_min_size']} connections were made before the load")


def _stats(service: Service) -> dict[str, Any]:
    with Client(service.base_url) as client:
        return client.get(contract.STATS)


def _refuse_another(service: Service, before: Mapping[str, Any]) -> None:
    """Raises ServiceDied where after the load nobody answers, or another process than before it."""
    try:
        after = _stats(service)
    except (OSError, http.client.HTTPException, ServiceError) as gone:
        raise ServiceDied(f"{service.name} after the load: {gone}", service.log_tail()) from None
    if restarted(before, after):
        raise ServiceDied(f"{service.name} was started again under the load", service.log_tail())


def _warm_up(base_url: str, connections: int) -> None:
    """Every connection prepares its statements, and every code path has been walked, before anything is timed."""

    def ask(_: int) -> None:
        with Client(base_url) as client:
            client.get(f"{contract.QUERY}?hold_ms={WARM_UP_HOLD_MS}")

    with ThreadPoolExecutor(connections) as clients:
        for _ in range(WARM_UP_ROUNDS):
            list(clients.map(ask, range(connections)))
    deadline = monotonic() + SETTLE_TIMEOUT_S
    with Client(base_url) as client:
        while client.get(contract.STATS)["pool_used_size"]:
            if monotonic() > deadline:
                raise Mismatch("connections were still in use 10 s after the warm-up")
            sleep(0.01)
