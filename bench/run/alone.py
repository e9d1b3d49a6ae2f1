"""One cell on the pool alone: the same scenario through the service's own pool, without HTTP.

In: what is asked, and a database. Out: a `Cell` with its samples, in the columns that it has over HTTP.

Who asks is a task or a thread in the pool's own process, so that the figures hold the library, its driver and its
concurrency model, and no framework, server or socket of a client.
"""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic, time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import psycopg

from bench.analysis.statistics import quantile
from bench.faults.outage import FaultFailed
from bench.faults.timeline import Timeline
from bench.load.driver import Outcome
from bench.load.samples import SampleError
from bench.observe.sampler import SHORTEST_S, Sampler
from bench.observe.totals import Totals, counted
from bench.record.schema import Cell, Event, Row
from bench.run.cell import (
    WARM_UP_HOLD_MS,
    WARM_UP_ROUNDS,
    Conditions,
    Mismatch,
    Played,
    come_to_rest,
    compare,
    emitter,
    refuse_lost,
    settings_for,
)
from bench.run.measured import Measured, Meter
from bench.scenarios.arrivals import length_s as stages_s
from bench.scenarios.arrivals import planned_times, user_steps
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.loads import Burst, Closed, Open, Sequential, length_s
from bench.scenarios.model import Asked, Leak, Outage, ReleaseLeaks
from bench.targets import inprocess as alone
from bench.targets.process import ServiceDied
from services.common import contract
from services.inprocess.drive import EVENTS, POOL, REQUEST_COLUMNS, REQUESTS, Drive
from services.inprocess.drive import Fault as FaultAt

if TYPE_CHECKING:
    import polars as pl

EMPTY_TO_THE_RIGHT = (None,) * 8
"""PostgreSQL's view and the CPU seconds, which the process does not know of itself."""


def unfit(cell: Cell) -> str | None:
    """Why a cell cannot be played on the pool alone; None where it can."""
    mix = SCENARIOS[cell.scenario].at(cell.hold_ms, base_url="").mix
    paths = {urlsplit(share.path).path for share in mix}
    if paths == {contract.NOOP}:
        return "it takes no connection, so that nothing of it is left without HTTP"
    if len(mix) > 1 or paths != {contract.QUERY}:
        return f"it asks for {', '.join(sorted(paths))}, and the pool alone plays {contract.QUERY}"
    return None


def drive_for(cell: Cell, asked: Asked, out: Path) -> Drive:
    """The load in numbers: who asks when, from the same seed as over HTTP."""
    query = parse_qs(urlsplit(asked.mix[0].path).query)
    common: dict[str, Any] = {
        "hold_ms": int(query.get("hold_ms", [asked.hold_ms])[0]),
        "out": str(out),
        "faults": tuple(_leaks(asked)),
        "sample_every_s": max(SHORTEST_S, asked.hold_ms / 1000 / 5),
        "warm_up_rounds": WARM_UP_ROUNDS,
        "warm_up_hold_ms": WARM_UP_HOLD_MS,
    }
    match asked.load:
        case Sequential(requests=n):
            return Drive(kind="sequential", requests=n, **common)
        case Burst(requests=n):
            return Drive(kind="burst", requests=n, **common)
        case Open() as load:
            return Drive(kind="open", planned_s=tuple(planned_times(load, cell.seed)), **common)
        case Closed(stages=stages, think_s=think_s):
            steps = tuple(user_steps(stages))
            return Drive(kind="closed", steps=steps, length_s=stages_s(stages), think_s=think_s, **common)


def play(cell: Cell, asked: Asked, conditions: Conditions) -> Played:
    """Plays one cell. Never raises for what a pool does: the cell is then marked failed, and says why."""
    began, began_s = monotonic(), time()
    samples: list[Row] = []
    events: list[Event] = []
    settings = settings_for(asked, conditions, cell.service)
    try:
        assert conditions.database is not None, "a pool needs its database"
        with (
            tempfile.TemporaryDirectory(prefix="poolbench-samples-") as directory,
            alone.Alone(cell.service, conditions.database, settings) as process,
            Totals(process, process.application_name, conditions.database) as totals,
        ):
            in_force = process.settings()
            compare(in_force, process.told().stats["pool_size"], settings)
            struck = conditions.struck(process)
            outages = [fault for fault in asked.scenario.faults if isinstance(fault, Outage)]
            timeline = Timeline("", outages, asked.unit_s, emitter(cell, events), struck)
            drive = drive_for(cell, asked, Path(directory))
            process.warm_up(drive)
            before = totals.read()
            measured = _measure(process, drive, asked, conditions, samples, timeline)
            samples = sorted([*samples, *_pool_rows(Path(directory))], key=lambda row: row[0])
            events = sorted([*events, *_events(cell, Path(directory))], key=lambda event: event.t_s)
            after, settings_after = come_to_rest(totals, events, asked)
            refuse_lost(before, after)
            process.finish()
        ended = replace(
            cell,
            settings=in_force,
            counted=counted(before, after, measured.outcome.t0, in_force, settings_after),
            took_s=monotonic() - began,
            **measured.figures | {"cpu": measured.cpu(samples)},
        )
        return Played(ended, measured.requests, samples, events)
    except ServiceDied as error:
        failed = replace(cell, status="failed", why=str(error), log_tail=error.log_tail)
    except (FaultFailed, Mismatch, psycopg.Error, OSError) as error:
        failed = replace(cell, status="failed", why=(str(error) or type(error).__name__).splitlines()[0])
    failed = replace(failed, began_s=round(began_s, 3), took_s=monotonic() - began)
    return Played(failed, None, samples, [])


def _measure(
    process: alone.Alone, drive: Drive, asked: Asked, conditions: Conditions, rows: list[Row], timeline: Timeline
) -> Measured:
    """Plays the load, while PostgreSQL is asked for its own view."""
    sampler = Sampler(
        None,
        process.application_name,
        conditions.database,
        rows,
        local_database=conditions.local_database,
        hold_s=asked.hold_ms / 1000,
        generator=None,
        processes=process.processes,
        asking=timeline.asking,
    )
    started: list[tuple[float, Meter]] = []

    def on_start(t0: float) -> None:
        started.append((t0, Meter.read(process, None)))
        sampler.start(t0)
        timeline.start(t0)

    try:
        sent = process.play(on_start, timeout_s=length_s(asked.load) + asked.give_up_s + 60)
        after = Meter.read(process, None)
    finally:
        timeline.stop()
        sampler.stop()
    timeline.refuse_failure()
    ((t0, before),) = started
    requests = _requests(Path(drive.out))
    if requests.height != sent:
        raise Mismatch(f"{sent} asked, and {requests.height} are in the samples")
    return Measured(_outcome(t0, requests, asked), requests, before, after)


def _outcome(t0: float, requests: "pl.DataFrame", asked: Asked) -> Outcome:
    """How the load was played. There is no generator apart: its CPU time is in the pool's own process."""
    sent = requests["sent_s"].sort()
    late = (requests["sent_s"] - requests["planned_s"]).drop_nulls().sort().to_list()
    p99 = quantile(late, 0.99) if isinstance(asked.load, Open) else None
    return Outcome(
        t0=t0,
        sent=requests.height,
        skew_ms=(sent[-1] - sent[0]) * 1e3 if isinstance(asked.load, Burst) else None,
        lateness_p99_ms=p99 * 1e3 if p99 is not None else None,
        cpu_s=0.0,
        warmed=0,
        opened=0,
        reconnected=0,
        samples=Path(REQUESTS),
    )


def _requests(out: Path) -> "pl.DataFrame":
    """The columns of `read_samples`; `app_ms` is never known, because there is no app."""
    import polars as pl

    kinds = {"n": pl.UInt32, "user": pl.UInt32, "status": pl.UInt16, "error": pl.String}
    schema = {name: kinds.get(name, pl.Float64) for name in REQUEST_COLUMNS}
    return (
        pl.read_csv(out / REQUESTS, schema=schema)
        .sort("n")
        .with_columns(
            pl.lit(0, pl.UInt16).alias("path"),
            pl.lit(None, pl.Float64).alias("app_ms"),
            pl.col("error").cast(pl.Enum([error.name for error in SampleError])),
        )
    )


def _pool_rows(out: Path) -> list[Row]:
    """What the process saw of its own pool, as rows of a sampler."""
    rows: list[Row] = []
    for line in (out / POOL).read_text().splitlines()[1:]:
        t_s, *counts = line.split(",")
        known = (int(count) if count else None for count in counts)
        rows.append((round(float(t_s) * 1e6), *known, *EMPTY_TO_THE_RIGHT))
    return rows


def _events(cell: Cell, out: Path) -> list[Event]:
    lines = (json.loads(line) for line in (out / EVENTS).read_text().splitlines())
    return [
        Event(scenario=cell.scenario, service=cell.service, block=cell.block, t_s=t_s, kind=kind, text=text)
        for t_s, kind, text in lines
    ]


def _leaks(asked: Asked) -> Iterator[FaultAt]:
    """The faults that happen in the pool's own process, in the order of time."""
    for fault in sorted(asked.scenario.faults, key=lambda fault: fault.at):
        at_s = fault.at * asked.unit_s
        match fault:
            case Leak():
                yield FaultAt(at_s=at_s, count=fault.count, how=fault.how)
            case ReleaseLeaks():
                yield FaultAt(at_s=at_s)
