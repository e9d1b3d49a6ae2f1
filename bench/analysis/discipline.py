"""In which order requests were served, how far that is from first come, first served, and how evenly users shared."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import accumulate
from typing import Any, Final

import polars as pl

from bench.analysis.statistics import quantile
from bench.metrics.model import Metrics
from bench.record.schema import Cell
from services.common import contract
from services.workload.loads import Closed

STARVED: Final = 0.5
"""A user who was served less than this share of the mean has starved."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One wait, in microseconds on the generator's clock: asked between `earliest` and `latest`.

    When a request asked for its connection is not recorded. It lies between two moments of the generator's clock:
    after the request was sent, and before its end less its release, hold and wait. A request was overtaken only where
    this is certain: it asked before another whatever moments one takes of both, and that one was handed a connection
    first. So skew, a slow framework and simultaneous requests never make an inversion; they can hide one. How long
    that time is stands beside (`ask_known_ms_p99`).
    """

    earliest: float
    latest: float
    wait: float
    """Until it was handed a connection, or gave up."""
    served: bool


def discipline_metrics(cell: Cell, requests: pl.DataFrame) -> Metrics:
    """All of them, always under the same names."""
    return {**_order(cell, requests), **_shares(cell, requests)}


def overtakers(asks: Sequence[Ask]) -> int:
    """How many were served before one that had certainly asked earlier and still waited."""
    before = sorted(asks, key=lambda ask: ask.latest)
    asked = [ask.latest for ask in before]
    # The latest moment at which any of the first k was certainly still waiting.
    waiting = list(accumulate((ask.earliest + ask.wait for ask in before), max))
    found = 0
    for ask in asks:
        count = bisect_left(asked, ask.earliest)
        found += ask.served and count > 0 and waiting[count - 1] > ask.latest + ask.wait
    return found


def overtaken(asks: Sequence[Ask]) -> int:
    """How many saw one served first that had certainly asked later."""
    after = sorted((ask for ask in asks if ask.served), key=lambda ask: ask.earliest, reverse=True)
    asked = [-ask.earliest for ask in after]
    # The earliest moment by which any of the last k was certainly served.
    handed = list(accumulate((ask.latest + ask.wait for ask in after), min))
    found = 0
    for ask in asks:
        count = bisect_left(asked, -ask.latest)
        found += count > 0 and handed[count - 1] < ask.earliest + ask.wait
    return found


def fifo_waits(asks: Sequence[Ask], acquire_timeout: float) -> list[float]:
    """How long each would have waited had every connection gone to the request that had asked first.

    A request that gave up does so in the ideal, too, if nothing came in that time, and is served there if something
    did: then another is rejected, for no connection is handed out more often than it was. Of requests that may have
    asked at the same moment, the one that was handed the connection counts as the first.

    What the pool loses between a release and the next hand-out is not in the distance then: in a queue that never
    empties it would add up to anything (it is in `efficiency`). Exact while holds do not differ; where they do, the
    ideal would have had its connections at other moments.
    """
    ideal = [ask.wait if not ask.served else max(acquire_timeout, ask.wait) for ask in asks]
    granted = [False] * len(asks)
    coming = sorted(range(len(asks)), key=lambda index: asks[index].latest)
    moments = [ask.latest + ask.wait for ask in asks]
    grants = sorted((index for index, ask in enumerate(asks) if ask.served), key=lambda i: (moments[i], asks[i].latest))
    queue: list[tuple[float, int]] = []
    owed: list[tuple[float, int]] = []
    arrived = 0
    for index in grants:
        moment = moments[index]
        while arrived < len(coming) and asks[coming[arrived]].latest <= moment:
            heappush(queue, (asks[coming[arrived]].latest, coming[arrived]))
            arrived += 1
        while queue and (granted[queue[0][1]] or queue[0][0] + ideal[queue[0][1]] < moment):
            heappop(queue)
        if not queue:
            continue
        first = queue[0][1]
        # Theirs in fact; or where they have one already, that of a request whose own went to another.
        if not granted[index]:
            heappush(owed, (asks[index].latest, index))
        while owed and granted[owed[0][1]]:
            heappop(owed)
        wanted = index if not granted[index] else owed[0][1] if owed else first
        if asks[wanted].earliest <= asks[first].latest:
            first = wanted
        granted[first] = True
        ideal[first] = asks[first].wait if first == index else moment - asks[first].latest
    return ideal


def jain(values: Sequence[float]) -> float | None:
    """Jain's fairness index, (Σx)² ÷ n·Σx²: 1 where all have the same, 1/n where one has everything.

    Jain, Chiu and Hawe, DEC-TR-301 (1984). 1 where no user has anything; None of no users.
    """
    if not values:
        return None
    squares = math.fsum(value * value for value in values)
    return math.fsum(values) ** 2 / (len(values) * squares) if squares else 1.0


def _order(cell: Cell, requests: pl.DataFrame) -> Metrics:
    asks = _asks(cell, requests)
    if not asks:
        names = ("inversions", "overtaken", "fifo_distance_ms", "fifo_excess_ms_max", "ask_known_ms_p99")
        return dict.fromkeys(names)
    ideal = fifo_waits(asks, cell.acquire_timeout_s * 1e6)
    apart = [(ask.wait - wait) / 1000 for ask, wait in zip(asks, ideal, strict=True)]
    return {
        "inversions": overtakers(asks),
        "overtaken": overtaken(asks),
        "fifo_distance_ms": math.fsum(map(abs, apart)) / len(apart),
        "fifo_excess_ms_max": max(apart),
        "ask_known_ms_p99": quantile(sorted((ask.latest - ask.earliest) / 1000 for ask in asks), 0.99),
    }


def _asks(cell: Cell, requests: pl.DataFrame) -> list[Ask]:
    """Nothing where order means nothing (all sent together, or one after another), where a request waits several
    times, or where one answer does not say how long it waited."""
    paths = requests["path"].str.split("?").list.first()
    columns = ("sent_us", "finished_us", "acquire_us")
    if cell.load.kind not in ("open", "closed") or not paths.is_in(contract.ONE_CHECKOUT).all():
        return []
    if any(requests[name].null_count() for name in columns):
        return []
    return list(_read(requests.select(*columns, "work_us", "release_us", "status").iter_rows()))


def _read(rows: Iterable[tuple[Any, ...]]) -> Iterator[Ask]:
    for sent, finished, wait, work, release, status in rows:
        latest = finished - wait - (work or 0) - (release or 0)
        # The service rounds its times, and its clock is another one.
        yield Ask(earliest=min(sent, latest), latest=latest, wait=wait, served=status == 200)


def _shares(cell: Cell, requests: pl.DataFrame) -> Metrics:
    longest_us = requests["acquire_us"].max()
    longest_ms = longest_us / 1000 if isinstance(longest_us, int | float) else None
    present = requests if _steady(cell) else requests.clear()
    users = present.group_by("user").agg(served=(pl.col("status") == 200).sum(), wait=pl.col("acquire_us").mean())
    served = [float(count) for count in users["served"].to_list()]
    waits = users["wait"].drop_nulls().to_list()
    mean = math.fsum(served) / len(served) if served else 0.0
    return {
        "jain_index": jain(served),
        "jain_index_waits": jain(waits),
        "worst_user_share": min(served) / mean if mean else None,
        "starved_users": sum(count < STARVED * mean for count in served) if mean else None,
        "longest_wait_ms": longest_ms,
    }


def _steady(cell: Cell) -> bool:
    """Whether several users were all there from the first moment to the last, and so had the same chance."""
    if not isinstance(cell.load, Closed):
        return False
    counts = {stage.users for stage in cell.load.stages}
    return len(counts) == 1 and counts != {1} and cell.load.stages[0].seconds == 0
