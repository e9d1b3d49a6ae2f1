"""The conditions of a cell: was it played as it was asked for, on a machine that had room?"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final

import polars as pl

from bench.analysis.audit_check import not_checked, noted, settle
from bench.analysis.cpu import MACHINE_LIMIT, PART_LIMIT, cpu_shares
from bench.analysis.outages import still_s
from bench.record.schema import AuditCheck, Cell, Event
from services.common import contract

LATE_MS: Final = 2.0
LATE_SHARE: Final = 0.05
"""Open load is sent within 2 ms, or a twentieth of a hold where that is more: a queue's waits are multiples of the
hold, and what is small beside it moves none."""
SKEW_MS: Final = 20.0
SKEW_SHARE: Final = 0.5
"""A burst is out within half a hold: the acquire timeout ends in the middle between two batches, and what is sent later
may be served, or rejected, with a batch that is not theirs. Never less than 20 ms: a hundred sockets take ten."""
NOTED_SHARE: Final = 0.1
DISTURBED_SHARE: Final = 0.2
"""What other programs may take of the machine."""
LEAST_CPU_S: Final = 1.0
"""Under so many CPU seconds of the machine, ticks of 10 ms in each of its parts are a visible share."""
SLACK_US: Final = 1_000
"""Clocks are read one after another, and answers tell times in three digits of a millisecond."""
EARLY_US: Final = 2_000
APPLIED: Final = 1.1
APPLIED_US: Final = 50_000
"""The shortest of many holds or timeouts is as asked for, whatever the machine: a tenth and 50 ms above is another
setting."""


def backends(cell: Cell, samples: pl.DataFrame, events: Iterable[Event] = ()) -> AuditCheck:
    """PostgreSQL never had more of the service's backends than its pool may have.

    One that ends may still be there when its successor has come, so that a single sample above is noted. While
    PostgreSQL stands still it is not asked: it could not answer, and nothing in it can change.
    """
    known = samples["backends"].drop_nulls()
    if known.is_empty():
        return not_checked("backends", "no database to look at")
    most = max(known.to_list())
    above = (known > cell.capacity).to_list()
    still = still_s(events)
    unasked = f"; not asked for the {still:.1f} s for which PostgreSQL stood still" if still else ""
    said = f"at most {most} backends of {cell.capacity}, in {len(above)} samples{unasked}"
    if any(now and then for now, then in pairwise(above)):
        return settle("backends", [f"{most} backends at once, and the pool may have {cell.capacity}"], said)
    if any(above):
        return noted("backends", f"{most} backends of {cell.capacity} in single samples, as one came and one went")
    return settle("backends", [], said)


def schedule(cell: Cell, cores: int | None) -> AuditCheck:
    """The generator sent when it should have. Where all CPUs are taken by the cell's own work, or may be by parts of it
    that cannot be seen, that it could not is noted: the cell is in no comparison anyway."""
    if cell.lateness_ms_p99 is not None:
        limit, value, what = max(LATE_MS, LATE_SHARE * cell.hold_ms), cell.lateness_ms_p99, "sent late by (p99)"
    elif cell.skew_ms is not None:
        limit, value, what = max(SKEW_MS, SKEW_SHARE * cell.hold_ms), cell.skew_ms, "all sent within"
    else:
        return not_checked("schedule", "a request that is sent after an answer has no plan")
    said = f"{what} {value:.1f} ms, at most {limit:g} ms"
    if value <= limit:
        return settle("schedule", [], said)
    shares = cpu_shares(cell, cores)
    if shares["cpu_bound"]:
        return noted("schedule", f"{what} {value:.1f} ms and not {limit:g} ms: CPU-bound")
    if shares["machine_busy"] and cell.cpu and cell.cpu.service is None:
        return noted("schedule", f"{what} {value:.1f} ms and not {limit:g} ms: machine busy")
    return settle("schedule", [f"{what} {value:.1f} ms, and {limit:g} ms is the limit"], said)


def cpu(cell: Cell, cores: int | None) -> AuditCheck:
    """Who used the CPU; noted where the cell says more of it than of the pool."""
    shares = cpu_shares(cell, cores)
    machine, part = shares["cpu_machine_share"], shares["cpu_largest_part_share"]
    if machine is None or part is None or cell.cpu is None:
        return not_checked("cpu", "CPU time was not measured")
    parts = {"generator": cell.cpu.generator, "service": cell.cpu.service, "PostgreSQL": cell.cpu.postgres}
    parts |= {"bench": cell.cpu.harness, "other": cell.cpu.other}
    each = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in parts.items() if seconds is not None)
    said = f"{machine:.0%} of the machine, {part:.0%} of a core in its busier part ({each})"
    if shares["cpu_bound"]:
        limits = f"limits {MACHINE_LIMIT:.0%} and {PART_LIMIT:.0%}"
        return noted("cpu", f"CPU-bound: not about the pool: {said}, {limits}")
    if shares["machine_busy"]:
        return noted("cpu", f"machine busy: {said}, limit {MACHINE_LIMIT:.0%}")
    return settle("cpu", [], said)


def machine(cell: Cell) -> AuditCheck:
    """Programs that are none of the run's left the machine to it."""
    if cell.cpu is None or not cell.cpu.available:
        return not_checked("machine", "CPU time was not measured")
    if cell.cpu.service is None:
        return not_checked("machine", "the service's CPU time cannot be told from that of other programs")
    if cell.cpu.available < LEAST_CPU_S:
        return not_checked("machine", f"{cell.cpu.available:.2f} CPU seconds are too few to tell")
    # The two are counted by different clocks: never more than all of it.
    share = min(1.0, cell.cpu.other / cell.cpu.available)
    said = f"other programs took {share:.0%} of the machine"
    if share > DISTURBED_SHARE:
        return settle("machine", [f"{said}: end them"], said)
    return noted("machine", said) if share > NOTED_SHARE else settle("machine", [], said)


def settings(cell: Cell, requests: pl.DataFrame) -> AuditCheck:
    """What was in force is what was asked for, before and after, and by what holds and timeouts really lasted."""
    if cell.settings is None:
        return not_checked("settings", "they were not read")
    asked: dict[str, Any] = {
        "work_time_ms": cell.hold_ms,
        "pool_acquire_timeout": cell.acquire_timeout_s,
        "pool_min_size": cell.pool_size,
        "pool_max_size": cell.pool_size,
    }
    problems = [
        f"{name} is {cell.settings[name]!r} in force, and {wanted!r} was asked for"
        for name, wanted in asked.items()
        if name in cell.settings and cell.settings[name] != wanted
    ]
    changed = cell.counted.changed if cell.counted else {}
    problems += [f"{name} became {value!r} under the load" for name, value in changed.items()]
    said = list[str]()
    holds = requests.filter((pl.col("status") == 200) & pl.col("path").is_in(contract.ONE_CHECKOUT))
    longer = cell.settings.get("work_kind", "sleep") == "sleep"  # what the database works or waits for may take longer
    # A request with several acquires has the timeout for each of them, and one header for all.
    once = pl.col("path").str.split("?").list.first().is_in(contract.ONE_CHECKOUT)
    refused = requests.filter((pl.col("error") == "pool_exhausted") & once)
    for what, found_us, asked_us, bounded in (
        ("hold", _least(holds["work_us"]), cell.hold_ms * 1e3, longer),
        ("timeout", _least(refused["acquire_us"]), cell.acquire_timeout_s * 1e6, True),
    ):
        if found_us is None:
            continue
        text = f"shortest {what} {found_us / 1e3:.1f} ms for {asked_us / 1e3:g} ms"
        said.append(text)
        if found_us < asked_us - EARLY_US or (bounded and found_us > APPLIED * asked_us + APPLIED_US):
            problems.append(f"{text}: the setting is not applied")
    return settle("settings", problems, ", ".join(("as asked for, before and after", *said)))


def clock(requests: pl.DataFrame) -> AuditCheck:
    """No moment lies before the one that it must come after, and no part is longer than the whole.

    The whole is the service's own time, or on the pool alone, where there is none, that of the request. A rule for
    times of which none is known is not among those that are told.
    """
    asked_us = pl.col("finished_us") - pl.col("sent_us")
    inner = pl.coalesce("app_us", asked_us) - pl.sum_horizontal("acquire_us", "work_us", "release_us")
    times = ("acquire_us", "work_us", "release_us", "app_us")
    rules = {
        "sent before the plan": pl.col("sent_us") < pl.col("planned_us") - SLACK_US,
        "answered before they were sent": pl.col("finished_us") < pl.col("sent_us"),
        "longer in the service than for the client": pl.col("app_us") > asked_us + SLACK_US,
        "with parts that are longer than the whole": inner < -SLACK_US,
        "with a negative time": pl.any_horizontal((pl.col(name) < 0).fill_null(False) for name in (*times, "sent_us")),
    }
    looked_at = {name: requests.select(rule).to_series().drop_nulls() for name, rule in rules.items()}
    known = {name: broken for name, broken in looked_at.items() if len(broken)}
    problems = [f"{broken.sum()} requests {name}" for name, broken in known.items() if broken.any()]
    return settle("clock", problems, f"{requests.height} requests, {len(known)} rules")


def _least(values: pl.Series) -> float | None:
    least = values.min()
    return float(least) if isinstance(least, int | float) else None
