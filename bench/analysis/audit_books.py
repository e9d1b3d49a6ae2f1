"""The books of a cell: what the client saw = what the service counted = what PostgreSQL counted."""

from collections.abc import Iterable, Mapping
from typing import Final

import polars as pl

from bench.analysis.audit_check import not_checked, settle
from bench.analysis.client_saw import Range, Seen
from bench.analysis.leaks import leaks_of
from bench.record.readings import Counted
from bench.record.schema import AuditCheck, Cell, Event
from services.common import contract

PER_REQUEST_S: Final = 0.001
RELATIVE: Final = 0.01
"""A service may read its clock twice, once for a request's own time and once for the integral: a millisecond for each
request, and a hundredth of the whole. One that reads it once is exact to the rounding of its answers."""
PER_LEAK_S: Final = 0.05
"""When a leaked connection was taken is known from outside: by when the leak was answered."""
NOT_READ: Final = "the totals were not read"


def counts(cell: Cell, saw: Seen) -> AuditCheck:
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


def integrals(cell: Cell, requests: pl.DataFrame, events: Iterable[Event]) -> AuditCheck:
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
        return not_checked(
            "integrals", f"{untold + leaks.unknown} requests were not answered, or did not say their times"
        )
    # A leaking request waits like every other, but is not in the samples.
    waits_s = float(pooled["acquire_us"].sum()) / 1e6
    leaks_wait_s = sum(min(cell.acquire_timeout_s, wait) for wait in leaks.longest_waits_s)
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


def statements(cell: Cell, saw: Seen) -> AuditCheck:
    """PostgreSQL executed the contract's statement once for each request that had a connection."""
    if cell.counted is None:
        return not_checked("statements", NOT_READ)
    before, after = cell.counted.before.reads, cell.counted.after.reads
    if before is None or after is None:
        return not_checked("statements", "no database with pg_stat_statements to look at")
    shipped = (cell.settings or {}).get("tuning") == "as_shipped"
    # PostgreSQL counts a statement when it is over, and in a transaction that is never ended it never is.
    least = saw.reads.least - (saw.leaked.most if shipped else 0)
    expected = Range(least, saw.reads.most)
    rise = after - before
    said = f"PostgreSQL counted {rise} reads of items, and the client saw {expected}"
    if saw.cut:
        said += f": whether {saw.cut} whose connection was cut had read is not told"
    return settle("statements", [] if expected.has(rise) else [said], said)


def rest(cell: Cell, events: Iterable[Event]) -> AuditCheck:
    """At the end no request waits, nothing is handed out but what leaked, and connections are as they were taken."""
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
        "hold advisory locks at rest: the next request that is handed one holds them, too": last.locking,
        "have temporary tables at rest: the next request that is handed one finds them": last.temporary,
    }
    problems += [f"{count} connections {what}" for what, count in kept.items() if (count or 0) > out]
    unseen = "" if last.idle_in_transaction is not None else "; PostgreSQL's own view is not known"
    leaked = f" but {out} that leaked" if out else ""
    return settle("rest", problems, f"no request waits, nothing is handed out{leaked}{unseen}")


def rises(counted: Counted) -> Mapping[str, float]:
    """By how much each total rose; without those that are not said."""
    before, after = vars(counted.before), vars(counted.after)
    return {
        name: after[name] - before[name]
        for name in after
        if name != "at_s" and after[name] is not None and before[name] is not None
    }
