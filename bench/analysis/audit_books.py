"""The books of a cell: what the client counted = what the service counted = what PostgreSQL counted.

In: a cell with its readings, its requests and events. Out: the findings `counts`, `integrals`, `statements`, `rest`.

Counts are exact, unless an answer leaves open what it was: then both ends of what is possible are told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

import polars as pl

from bench.analysis.findings import not_checked, settle
from bench.analysis.leaks import leaks_of
from bench.record.schema import Cell, Counted, Event, Finding
from services.common import contract

PER_REQUEST_S: Final = 0.001
RELATIVE: Final = 0.01
"""A service may read its clock twice, once for a request's own time and once for the integral: a millisecond for each
request, and a hundredth of the whole. One that reads it once is exact to the rounding of its answers."""
PER_LEAK_S: Final = 0.05
"""When a leaked connection was taken is known from outside: by when the leak was answered."""
NOT_READ: Final = "the totals were not read"
TIMED_OUT: Final = ("pool_exhausted", "pool_growing")


@dataclass(slots=True)
class Range:
    """A whole number that is known, or lies between two."""

    least: int = 0
    most: int = 0

    def add(self, least: int, most: int | None = None) -> None:
        self.least += least
        self.most += least if most is None else most

    def has(self, value: float) -> bool:
        return self.least <= value <= self.most

    def __str__(self) -> str:
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"


@dataclass(slots=True)
class Seen:
    """What must have been counted, by the client's answers. `reads` are statements that read `items`."""

    acquired: Range = field(default_factory=Range)
    timed_out: Range = field(default_factory=Range)
    failed: Range = field(default_factory=Range)
    leaked: Range = field(default_factory=Range)
    given_back: int = 0
    reads: Range = field(default_factory=Range)
    cut: int = 0
    """Those whose connection failed them while they held it. Whether before or after its read, they do not say."""


def seen(requests: pl.DataFrame, events: Iterable[Event]) -> Seen:
    """From the answers of the load and of the faults that leaked."""
    leaks = leaks_of(events)
    found = Seen(given_back=len(leaks.out) - leaks.still_out)
    held = (pl.col("work_us") > 0).alias("held")
    for path, status, error, had_one, count in requests.group_by("path", "status", "error", held).len().rows():
        _answered(found, path, status, error, had_one, count)
    gone = len(leaks.out)
    for each in (found.acquired, found.leaked, found.reads):
        each.add(gone, gone + leaks.unknown)
    for each in (found.acquired, found.reads):  # a refused leak may have had a connection that failed it
        each.add(0, leaks.refused)
    for each in (found.timed_out, found.failed):
        each.add(0, leaks.refused + leaks.unknown)
    return found


def _answered(found: Seen, url: str, status: int, error: str, had_one: bool | None, count: int) -> None:
    """So many answers of one kind; `had_one`: they tell that they held a connection, None where they tell nothing."""
    path, _, query = url.partition("?")
    if path == contract.NOOP:
        return
    times = contract.parse_times(dict(parse_qsl(query))) if path == contract.SEVERAL else 1
    acquires = 2 * count if path == contract.NESTED else times * count
    reads = times * count
    leaks = path == contract.QUERY_LEAK
    if status == 200 or (leaks and status == 500):
        found.acquired.add(acquires)
        found.reads.add(reads)
        found.leaked.add(count if leaks else 0)
    elif error in TIMED_OUT:
        found.timed_out.add(count)
        # Nested and several: it may have been a later one that did not come.
        found.acquired.add(0, acquires - count)
        found.reads.add(0, reads - count)
    elif error == "database_unavailable" and had_one and path in contract.ONE_CHECKOUT:
        found.acquired.add(count)
        found.reads.add(0, count)
        found.cut += count
    else:  # gave up, broke off, or failed: what it had got by then is not told
        found.acquired.add(0, acquires)
        found.timed_out.add(0, count)
        found.failed.add(0, count)
        found.leaked.add(0, count if leaks else 0)
        found.reads.add(0, reads)


def counts(cell: Cell, saw: Seen) -> Finding:
    """The totals rose by what the client saw, and what was acquired came back or is handed out still."""
    if cell.counted is None:
        return not_checked("counts", NOT_READ)
    expected = {"acquired": saw.acquired, "timed_out": saw.timed_out, "failed": saw.failed, "leaked": saw.leaked}
    rise = rises(cell.counted)
    missing = [f"{name}_total" for name in (*expected, "released", "abandoned") if f"{name}_total" not in rise]
    if missing or "pool_used_size" not in rise:
        return not_checked("counts", f"/pool/stats does not say {', '.join(missing) or 'pool_used_size'}")
    problems = [
        f"{name}_total rose by {rise[f'{name}_total']:g}, and the client saw {count}"
        for name, count in expected.items()
        if not count.has(rise[f"{name}_total"])
    ]
    acquired, released = rise["acquired_total"], rise["released_total"]
    out = acquired - released - rise["abandoned_total"]
    if out != rise["pool_used_size"]:
        problems.append(
            f"{acquired:g} were acquired and {released:g} came back, "
            f"and pool_used_size rose by {rise['pool_used_size']:g}"
        )
    leaked = Range(saw.leaked.least - saw.given_back, saw.leaked.most - saw.given_back)
    if not leaked.has(out):
        problems.append(
            f"{acquired:g} were acquired and {released:g} came back, and {leaked} of those that leaked are out"
        )
    text = f"acquired {saw.acquired}, timed out {saw.timed_out}" + (f", leaked {saw.leaked}" if saw.leaked.most else "")
    text += f", cut {saw.cut}" if saw.cut else ""
    return settle("counts", problems, f"{text}: as the client saw")


def integrals(cell: Cell, requests: pl.DataFrame, events: Iterable[Event]) -> Finding:
    """The integrals rose by the sum of the waits, and of the holds, that the answers told."""
    if cell.counted is None:
        return not_checked("integrals", NOT_READ)
    rise = rises(cell.counted)
    pooled = requests.filter(~pl.col("path").str.starts_with(contract.NOOP))
    if "waiter_seconds_total" not in rise or "used_seconds_total" not in rise:
        return not_checked("integrals", "/pool/stats does not say them")
    if pooled["path"].str.starts_with(contract.NESTED).any():
        return not_checked("integrals", "the second wait of a nested request is in no answer's header")
    if pooled["path"].str.starts_with(contract.QUERY_LEAK).any():
        return not_checked("integrals", "requests of the load leaked, and none tells for how long")
    untold = pooled["acquire_us"].null_count()
    leaks = leaks_of(events)
    if untold or leaks.unknown:
        return not_checked("integrals", f"{untold + leaks.unknown} requests were not answered, or told no times")
    # Whoever leaks waits like everybody else, but is not in the samples.
    waits_s = float(pooled["acquire_us"].sum()) / 1e6
    leaks_wait_s = sum(min(cell.patience_s, wait) for wait in leaks.longest_waits_s)
    holds_s = float(pooled["work_us"].sum()) / 1e6
    ended_s = cell.counted.after.at_s
    leaks_hold_s = sum((ended_s if one.until_s is None else one.until_s) - one.from_s for one in leaks.out)
    slack_s = PER_REQUEST_S * pooled.height + PER_LEAK_S * len(leaks.longest_waits_s)
    problems, figures = [], []
    for name, least, most in (
        ("waiter_seconds_total", waits_s, waits_s + leaks_wait_s),
        ("used_seconds_total", holds_s + leaks_hold_s, holds_s + leaks_hold_s),
    ):
        given = rise[name]
        said = f"{least:.3f} s" if least == most else f"{least:.3f} to {most:.3f} s"
        if not least - slack_s - RELATIVE * least <= given <= most + slack_s + RELATIVE * most:
            problems.append(f"{name} rose by {given:.3f} s, and the answers' own sum is {said}")
        figures.append(f"{name} {given:.3f} s for {said}")
    return settle("integrals", problems, ", ".join(figures))


def statements(cell: Cell, saw: Seen) -> Finding:
    """PostgreSQL executed the contract's statement once for each request that had a connection."""
    if cell.counted is None:
        return not_checked("statements", NOT_READ)
    before, after = cell.counted.before.reads, cell.counted.after.reads
    if before is None or after is None:
        return not_checked("statements", "no database with pg_stat_statements to look at")
    shipped = (cell.settings or {}).get("tuning") == "as_shipped"
    # PostgreSQL counts a statement when it is over, and in a transaction that nobody ends it never is.
    least = saw.reads.least - (saw.leaked.most if shipped else 0)
    expected = Range(least, saw.reads.most)
    rise = after - before
    said = f"PostgreSQL counted {rise} reads of items, and the client saw {expected}"
    if saw.cut:
        said += f": whether {saw.cut} whose connection was cut had read is not told"
    return settle("statements", [] if expected.has(rise) else [said], said)


def rest(cell: Cell, events: Iterable[Event]) -> Finding:
    """At the end nobody waits, nothing is handed out but what leaked, and connections are as they were taken."""
    if cell.counted is None:
        return not_checked("rest", NOT_READ)
    last, leaks = cell.counted.after, leaks_of(events)
    out = leaks.still_out + leaks.unknown
    problems = []
    if last.waiting_requests:
        problems.append(f"{last.waiting_requests:g} still wait {last.at_s - cell.load_s:.1f} s after the last answer")
    if (last.pool_used_size or 0) > out:
        problems.append(f"{last.pool_used_size:g} connections are handed out, and {out} leaked")
    kept = {
        "are left idle in transaction: the service does not end it": last.idle_in_transaction,
        "hold advisory locks at rest: whoever is handed one next holds them too": last.locking,
        "have temporary tables at rest: whoever is handed one next finds them": last.temporary,
    }
    problems += [f"{count} connections {what}" for what, count in kept.items() if (count or 0) > out]
    unseen = "" if last.idle_in_transaction is not None else "; PostgreSQL's own view is not known"
    leaked = f" but {out} that leaked" if out else ""
    return settle("rest", problems, f"nobody waits, nothing is handed out{leaked}{unseen}")


def rises(counted: Counted) -> Mapping[str, float]:
    """By how much each total rose; without those that are not said."""
    before, after = vars(counted.before), vars(counted.after)
    return {
        name: after[name] - before[name]
        for name in after
        if name != "at_s" and after[name] is not None and before[name] is not None
    }
