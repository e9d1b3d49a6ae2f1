"""What a service must have counted, by the answers that its clients saw."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import polars as pl

from bench.analysis.answers import TIMED_OUT
from bench.analysis.leaks import leaks_of
from bench.record.schema import Event
from services.common import contract


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
    """From the answers of the load and of the faults that leaked.

    Counts are exact, unless an answer leaves open what it was: then both ends of what is possible are told.
    """
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
