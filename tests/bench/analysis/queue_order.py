"""The order of a queue, one request after another: what `bench.analysis.discipline` must say of arrays."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Ask:
    """One wait: asked between `earliest` and `latest`."""

    earliest: float
    latest: float
    wait: float
    """Until it was handed a connection, or gave up."""
    served: bool


def exactly(asked: float, wait: float, *, served: bool = True) -> Ask:
    return Ask(earliest=asked, latest=asked, wait=wait, served=served)


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
    """How long each would have waited had every connection gone to the request that had asked first."""
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
