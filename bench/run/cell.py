"""One cell: one scenario on one service, from the settings to the last sample, on whichever layer it is played."""

import http.client
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic, time
from typing import Any, Final, NamedTuple

import polars as pl
import psycopg

from bench import temporary
from bench.analysis.leaks import leaks_of
from bench.faults.outage import Backends, FaultFailed
from bench.faults.timeline import Emit, Timeline
from bench.load.driver import GeneratorFailed
from bench.load.outcome import Outcome, SamplesLost
from bench.observe.meter import Meter, cpu_between
from bench.observe.sampler import Sampler
from bench.observe.totals import Totals, counted
from bench.record.columns import keyed, pool_frame
from bench.record.readings import Reading
from bench.record.rows import Row
from bench.record.schema import Cell, Event
from bench.run.conditions import Conditions, Mismatch, compare, refuse_lost, settings_for
from bench.run.executor import Executor, Subject, most_s
from bench.scenarios.model import Asked, Outage
from bench.targets.http import ServiceError
from bench.targets.process import ServiceDied

REST_S: Final = 2.0
"""What a service has, beyond acquire timeout and hold, to come to rest after the load."""


@dataclass(frozen=True)
class Played:
    """A cell and what it left, in the columns of the record and with the cell's key; None where there is nothing."""

    cell: Cell
    requests: pl.DataFrame | None = None
    samples: pl.DataFrame | None = None
    events: Sequence[Event] = ()


def play(cell: Cell, asked: Asked, conditions: Conditions, executor: Executor, *, sampled: bool = True) -> Played:
    """Plays one cell. Never raises for what a service does: the cell is then marked failed, and says why.

    Without `sampled` the bench does not look at the pool meanwhile, and there are no samples of its own.
    """
    began, began_s = monotonic(), time()
    rows: list[Row] = []
    events: list[Event] = []
    log_tail: str | None = None
    try:
        done, requests = _play(cell, asked, conditions, executor, rows, events, sampled=sampled)
        return _played(replace(done, took_s=monotonic() - began), requests, rows, events)
    except (ServiceDied, GeneratorFailed) as error:
        why, log_tail = str(error).splitlines()[0], error.log_tail
    except (
        SamplesLost, FaultFailed, Mismatch, ServiceError, http.client.HTTPException, psycopg.Error,
        OSError,
    ) as error:  # fmt: skip
        why = (str(error) or type(error).__name__).splitlines()[0]
    took_s = monotonic() - began
    failed = replace(cell, status="failed", why=why, log_tail=log_tail, began_s=round(began_s, 3), took_s=took_s)
    return _played(failed, None, rows, events)


def _played(cell: Cell, requests: pl.DataFrame | None, rows: list[Row], events: list[Event]) -> Played:
    return Played(
        cell,
        None if requests is None else keyed(cell, requests),
        keyed(cell, pool_frame(sorted(rows, key=lambda row: row.t_us))),
        sorted(events, key=lambda event: event.t_s),
    )


def _play(
    cell: Cell,
    asked: Asked,
    conditions: Conditions,
    executor: Executor,
    rows: list[Row],
    events: list[Event],
    *,
    sampled: bool,
) -> tuple[Cell, pl.DataFrame]:
    """The cell as it was played to its end, and its requests.

    `rows` (where it is sampled) and `events` are filled meanwhile, so that a cell that fails keeps what was seen of it.
    """
    settings = settings_for(asked, conditions, conditions.stack(cell.service))
    emit = emitter(cell, events)
    with (
        temporary.directory(temporary.SAMPLES) as directory,
        executor.open(cell, asked, settings, directory) as subject,
        Totals(subject, subject.application_name, conditions.database) as totals,
    ):
        in_force = subject.settings()
        compare(in_force, subject.told().stats["pool_size"], settings)
        subject.warm_up()
        before = totals.read()
        measured = _measure(subject, asked, conditions, rows if sampled else None, emit)
        subject.refuse_another()
        seen = subject.seen()
        if sampled:
            rows += seen.rows
        for t_s, kind, text in seen.happened:
            emit(t_s, kind, text)
        after, settings_after = come_to_rest(totals, events, asked)
        refuse_lost(before, after)
        outcome = measured.outcome
        requests = outcome.requests
    usage = measured.after.service
    done = replace(
        cell,
        settings=in_force,
        began_s=round(time() - monotonic() + outcome.t0, 3),
        load_s=outcome.load_s,
        skew_ms=outcome.skew_ms,
        lateness_ms_p99=outcome.lateness_ms_p99,
        cpu=cpu_between(measured.before, measured.after, outcome.generator_cpu_s, rows),
        rss_mb=usage.rss_mb if usage else None,
        pss_mb=usage.pss_mb if usage else None,
        counted=counted(before, after, outcome.t0, in_force, settings_after),
    )
    return done, requests


class _Measured(NamedTuple):
    outcome: Outcome
    before: Meter
    after: Meter


def _measure(subject: Subject, asked: Asked, conditions: Conditions, rows: list[Row] | None, emit: Emit) -> _Measured:
    """Plays the load, with its faults and everything that looks on."""
    backends = conditions.backends(subject.application_name)
    # Without an address the pool's own process leaks, and only outages are the bench's to bring about.
    faults = [fault for fault in asked.scenario.faults if subject.base_url or isinstance(fault, Outage)]
    timeline = Timeline(subject.base_url, faults, asked.unit_s, emit, backends)
    generator = subject.generator
    sampler = None if rows is None else _sampler(subject, asked, conditions, backends, rows)
    before: list[Meter] = []

    def on_start(t0: float) -> None:
        # What the generator's own warm-up cost is no part of the load.
        before.append(Meter.read(subject.usage, generator))
        if sampler:
            sampler.start(t0)
        timeline.start(t0)

    try:
        outcome = subject.play(on_start, timeout_s=most_s(asked))
        after = Meter.read(subject.usage, generator)
    finally:
        timeline.stop()
        if sampler:
            sampler.stop()
    timeline.refuse_failure()
    return _Measured(outcome, before[0], after)


def _sampler(subject: Subject, asked: Asked, conditions: Conditions, backends: Backends, rows: list[Row]) -> Sampler:
    name = subject.application_name
    return Sampler(
        subject.base_url,
        name or "",
        conditions.database if name else None,
        rows,
        local_database=conditions.local_database,
        hold_s=asked.hold_ms / 1000,
        generator=subject.generator,
        processes=subject.processes,
        asking=backends.asking,
    )


def emitter(cell: Cell, events: list[Event]) -> Emit:
    """Records the fault events of a cell."""

    def emit(t_s: float, kind: str, text: str) -> None:
        event = Event(
            scenario=cell.scenario, service=cell.service, repetition=cell.repetition, t_s=t_s, kind=kind, text=text
        )
        events.append(event)

    return emit


def come_to_rest(totals: Totals, events: list[Event], asked: Asked) -> tuple[Reading, dict[str, Any]]:
    """What is counted once the service has come to rest, and its settings then."""
    longest_s = asked.acquire_timeout_s + asked.hold_ms / 1000 + REST_S
    return totals.read_at_rest(leaks_of(events).still_out, longest_s), totals.settings()
