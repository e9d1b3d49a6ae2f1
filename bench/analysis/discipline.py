"""In which order requests were served, how far that is from first come, first served, and how evenly users shared."""

import math
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Final, NamedTuple

import numpy as np

from bench.analysis.answers import Answers, Flags, Floats, Indices, known
from bench.analysis.statistics import quantile
from bench.metrics.model import Metrics
from bench.record.schema import Cell
from services.common import contract
from services.workload.loads import Closed

STARVED: Final = 0.5
"""A user who was served less than this share of the mean has starved."""


class Asks(NamedTuple):
    """The waits of a cell, in microseconds on the generator's clock: each asked between `earliest` and `latest`.

    When a request asked for its connection is not recorded. It lies between two moments of the generator's clock:
    after the request was sent, and before its end less its release, hold and wait. A request was overtaken only where
    this is certain: it asked before another whatever moments one takes of both, and that one was handed a connection
    first. So skew, a slow framework and simultaneous requests never make an inversion; they can hide one. How long
    that time is stands beside (`ask_known_ms_p99`).
    """

    earliest: Floats
    latest: Floats
    wait: Floats
    """Until each was handed a connection, or gave up."""
    served: Flags

    def at(self, places: Indices) -> "Asks":
        """Those that stand there, in this order."""
        return Asks(self.earliest[places], self.latest[places], self.wait[places], self.served[places])


def discipline_metrics(cell: Cell, answers: Answers) -> Metrics:
    """All of them, always under the same names."""
    return {**_order(cell, answers), **_shares(cell, answers)}


def overtakers(asks: Asks) -> int:
    """How many were served before one that had certainly asked earlier and still waited."""
    order = np.argsort(asks.latest)
    before = np.searchsorted(asks.latest[order], asks.earliest)
    # The latest moment at which any of the first k was certainly still waiting; of none, never.
    waiting = np.maximum.accumulate(np.append(-math.inf, (asks.earliest + asks.wait)[order]))
    return int(np.count_nonzero(asks.served & (waiting[before] > asks.latest + asks.wait)))


def overtaken(asks: Asks) -> int:
    """How many saw one served first that had certainly asked later."""
    earliest, handed = asks.earliest[asks.served], (asks.latest + asks.wait)[asks.served]
    order = np.argsort(-earliest)
    after = np.searchsorted(-earliest[order], -asks.latest)
    # The earliest moment by which any of the last k was certainly served; of none, never.
    soonest = np.minimum.accumulate(np.append(math.inf, handed[order]))
    return int(np.count_nonzero(soonest[after] < asks.earliest + asks.wait))


def fifo_waits(asks: Asks, acquire_timeout: float) -> Floats:
    """How long each would have waited had every connection gone to the request that had asked first.

    A request that gave up does so in the ideal, too, if nothing came in that time, and is served there if something
    did: then another is rejected, for no connection is handed out more often than it was. Of requests that may have
    asked at the same moment, the one that was handed the connection counts as the first.

    What the pool loses between a release and the next hand-out is not in the distance then: in a queue that never
    empties it would add up to anything (it is in `efficiency`). Exact while holds do not differ; where they do, the
    ideal would have had its connections at other moments.
    """
    order = np.argsort(asks.latest, kind="stable")
    found = np.empty(len(order))
    found[order] = _fifo_waits(asks.at(order), acquire_timeout)
    return found


def _fifo_waits(asks: Asks, acquire_timeout: float) -> list[float]:
    """Of asks in the order of `latest`, in which they come to the queue. The loop runs over plain lists: one element
    of an array costs several times as much."""
    handed = asks.latest + asks.wait
    (served,) = asks.served.nonzero()
    grants = served[np.argsort(handed[served], kind="stable")]
    arrived = np.searchsorted(asks.latest, handed[grants], side="right").tolist()
    patient = np.where(asks.served, np.maximum(acquire_timeout, asks.wait), asks.wait)
    leaves: list[float] = (asks.latest + patient).tolist()
    ideal: list[float] = patient.tolist()
    earliest, latest, wait = asks.earliest.tolist(), asks.latest.tolist(), asks.wait.tolist()
    granted = [False] * len(ideal)
    owed: list[int] = []
    first = 0
    for one, moment, end in zip(grants.tolist(), handed[grants].tolist(), arrived, strict=True):
        while first < end and (granted[first] or leaves[first] < moment):
            first += 1
        if first == end:
            continue
        # Theirs in fact; or where they have one already, that of a request whose own went to another.
        wanted = one
        if granted[one]:
            while owed and granted[owed[0]]:
                heappop(owed)
            wanted = owed[0] if owed else first
        gets = wanted if earliest[wanted] <= latest[first] else first
        granted[gets] = True
        ideal[gets] = wait[gets] if gets == one else moment - latest[gets]
        if not granted[one]:
            heappush(owed, one)
    return ideal


def jain(values: Sequence[float]) -> float | None:
    """Jain's fairness index, (Σx)² ÷ n·Σx²: 1 where all have the same, 1/n where one has everything.

    Jain, Chiu and Hawe, DEC-TR-301 (1984). 1 where no user has anything; None of no users.
    """
    if not values:
        return None
    squares = math.fsum(value * value for value in values)
    return math.fsum(values) ** 2 / (len(values) * squares) if squares else 1.0


def _order(cell: Cell, answers: Answers) -> Metrics:
    asks = _asks(cell, answers)
    if asks is None:
        names = ("inversions", "overtaken", "fifo_distance_ms", "fifo_excess_ms_max", "ask_known_ms_p99")
        return dict.fromkeys(names)
    apart = (asks.wait - fifo_waits(asks, cell.acquire_timeout_s * 1e6)) / 1000
    return {
        "inversions": overtakers(asks),
        "overtaken": overtaken(asks),
        "fifo_distance_ms": math.fsum(np.abs(apart).tolist()) / len(apart),
        "fifo_excess_ms_max": float(apart.max()),
        "ask_known_ms_p99": quantile(np.sort((asks.latest - asks.earliest) / 1000), 0.99),
    }


def _asks(cell: Cell, answers: Answers) -> Asks | None:
    """None where order means nothing (all sent together, or one after another), where a request waits several times,
    or where one answer does not say how long it waited."""
    if cell.load.kind not in ("open", "closed") or not answers.paths <= set(contract.ONE_CHECKOUT):
        return None
    sent, finished, wait = answers.sent, answers.finished, answers.acquire
    if not len(sent) or np.isnan(sent + finished + wait).any():
        return None
    latest = finished - wait - np.nan_to_num(answers.work) - np.nan_to_num(answers.release)
    # The service rounds its times, and its clock is another one.
    return Asks(earliest=np.minimum(sent, latest), latest=latest, wait=wait, served=answers.served)


def _shares(cell: Cell, answers: Answers) -> Metrics:
    told = known(answers.acquire)
    served, waits = _of_each_user(answers) if _steady(cell) else ([], [])
    mean = math.fsum(served) / len(served) if served else 0.0
    starved = sum(count < STARVED * mean for count in served) if mean else None
    return {
        "jain_index": jain(served),
        "jain_index_waits": jain(waits),
        "worst_user_share": min(served) / mean if mean else None,
        "starved_users": starved,
        "starved_share": starved / len(served) if starved is not None else None,
        "longest_wait_ms": float(told.max()) / 1000 if len(told) else None,
    }


def _of_each_user(answers: Answers) -> tuple[list[float], list[float]]:
    """How often each was served; and of those that were told of a wait, the mean."""
    users, user = np.unique(answers.user, return_inverse=True)
    told = ~np.isnan(answers.acquire)
    served = np.bincount(user, weights=answers.served, minlength=len(users))
    waits = np.bincount(user[told], weights=answers.acquire[told], minlength=len(users))
    times = np.bincount(user[told], minlength=len(users))
    return served.tolist(), (waits[times > 0] / times[times > 0]).tolist()


def _steady(cell: Cell) -> bool:
    """Whether several users were all there from the first moment to the last, and so had the same chance."""
    if not isinstance(cell.load, Closed):
        return False
    counts = {stage.users for stage in cell.load.stages}
    return len(counts) == 1 and counts != {1} and cell.load.stages[0].seconds == 0
