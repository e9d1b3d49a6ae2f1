"""What arithmetic cannot say of a FIFO pool that costs nothing, simulated: who waits how long, who is told no.

In: when requests come (open load), or when users come and go (closed load), c connections, a hold, a patience.
Out: a `Visit` for each request, and the part of a `Forecast` that follows from them.

Open load is simulated by ciw: c servers, first come, first served, the hold as service time, the patience as
reneging. Closed load is not: in ciw a user who returns is a customer of a network whose number is fixed, or who
comes from outside for good; it has no stages in which users come one by one and the last to come leave first,
with the answer that they wait for, in the middle of a thought. So that is a simulation of its own, in whole
nanoseconds, in which two events at one moment really are at one moment. A burst is a closed load too (and an open
one): the tests hold both against the arithmetic of a burst, and against each other.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any, Final

from bench.analysis.statistics import QUANTILES, quantile
from bench.record.schema import Forecast
from services.workload.arrivals import planned_times, user_steps
from services.workload.loads import Closed, Open, stages_s

NS: Final = 10**9
_TIMED_OUT, _RELEASED, _ASKED = range(3)
"""What comes first of what comes at one moment: who asks then is too late for it, and whose patience ends then is
not served (⌈T/h⌉ batches start before T, none at T)."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request at the pool, in seconds; `held_s` is None where it was told no after `waited_s`."""

    asked_s: float
    waited_s: float
    held_s: float | None

    @property
    def ended_s(self) -> float:
        return self.asked_s + self.waited_s + (self.held_s or 0.0)


@lru_cache(maxsize=1024)
def simulated(load: Open | Closed, c: int, hold_s: float, patience_s: float, seed: int) -> Forecast:
    """What follows from a simulation of the load; closed load is the same whatever the seed."""
    if isinstance(load, Closed):
        return foretold(closed_visits(load, c, hold_s, patience_s))
    return foretold(open_visits(planned_times(load, seed), c, lambda: hold_s, patience_s))


def open_visits(
    arrivals_s: Sequence[float], c: int, service_s: Callable[[], float], patience_s: float = math.inf
) -> list[Visit]:
    """A visit for each of the arrivals (ascending), in their order. `service_s` draws a service time."""
    if not arrivals_s:
        return []
    import ciw  # half a second

    class Service(ciw.dists.Distribution):  # type: ignore[misc] # ciw is not typed
        def sample(self, t: float | None = None, ind: Any = None) -> float:  # noqa: ARG002 - ciw's signature
            return service_s()

    reneging = {} if math.isinf(patience_s) else {"reneging_time_distributions": [ciw.dists.Deterministic(patience_s)]}
    gaps = [arrivals_s[0], *(after - before for before, after in pairwise(arrivals_s)), math.inf]
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential(gaps)],
        service_distributions=[Service()],
        number_of_servers=[c],
        **reneging,
    )
    state = random.getstate()
    try:
        random.seed(0)  # ciw draws which of two events at one moment comes first
        simulation = ciw.Simulation(network)
        simulation.simulate_until_max_customers(len(arrivals_s), method="Finish")
    finally:
        random.setstate(state)
    records = sorted(simulation.get_all_records(), key=lambda record: record.id_number)
    return [
        Visit(
            record.arrival_date,
            record.waiting_time,
            record.service_time if record.record_type == "service" else None,
        )
        for record in records
    ]


def closed_visits(load: Closed, c: int, hold_s: float, patience_s: float) -> list[Visit]:
    """A visit for each request of users who ask, wait, think, and ask again until they leave; as they were asked."""
    return _Pool(load, c, round(hold_s * NS), round(patience_s * NS)).played()


def foretold(visits: Sequence[Visit]) -> Forecast:
    """The counts, rates, waits and times of a `Forecast`; of no visits nothing but their number."""
    if not visits:
        return Forecast(served=0, timed_out=0)
    waits_ms = sorted(visit.waited_s * 1000 for visit in visits if visit.held_s is not None)
    served = len(waits_ms)
    first_s, last_s = visits[0].asked_s, max(visit.asked_s for visit in visits)
    ended_s = max(visit.ended_s for visit in visits)
    wall_s = ended_s - first_s
    told: dict[str, float | None] = {}
    for name, q in QUANTILES.items():
        wait_ms = quantile(waits_ms, q) if waits_ms else None
        told[f"acquire_ms_{name}"] = None if wait_ms is None else round(wait_ms, 3)
    return Forecast(
        served=served,
        timed_out=len(visits) - served,
        wall_s=round(wall_s, 6),
        goodput_per_s=round(served / wall_s, 6),
        waiting_peak=_peak(visits),
        drain_s=round(ended_s - last_s, 6),
        acquire_ms_p50=told["acquire_ms_p50"],
        acquire_ms_p95=told["acquire_ms_p95"],
        acquire_ms_p99=told["acquire_ms_p99"],
        acquire_ms_max=told["acquire_ms_max"],
    )


def _peak(visits: Sequence[Visit]) -> int:
    """The most who wait at a time; who comes when another leaves does not meet them."""
    waiting = [visit for visit in visits if visit.waited_s > 0]
    steps = [(visit.asked_s, 1) for visit in waiting] + [(visit.asked_s + visit.waited_s, -1) for visit in waiting]
    return max(accumulate((change for _, change in sorted(steps)), initial=0))


@dataclass
class _Pool:
    """The closed load on the pool, event by event; times in nanoseconds."""

    load: Closed
    free: int
    hold: int
    patience: int
    events: list[tuple[int, int, int, int]] = field(default_factory=list)
    """(when, what, in the order in which it was said, whose)."""
    waiting: deque[tuple[int, int]] = field(default_factory=deque)
    """(when asked, who), the longest wait first."""
    visits: list[Visit] = field(default_factory=list)
    leaves: list[int] = field(default_factory=list)
    """When each user is told to leave."""
    said: int = 0

    def played(self) -> list[Visit]:
        came, self.leaves = _stays(self.load)
        for user, when in enumerate(came):
            self._say(when, _ASKED, user)
        while self.events:
            now, what, _, user = heapq.heappop(self.events)
            if what == _ASKED:
                self._ask(now, user)
            elif what == _RELEASED:
                self._release(now, user)
            elif self.waiting and self.waiting[0] == (now - self.patience, user):
                self.waiting.popleft()
                self._visited(now - self.patience, now, None)
                self._answered(now, user)
        return sorted(self.visits, key=lambda visit: visit.asked_s)

    def _say(self, when: int, what: int, user: int) -> None:
        self.said += 1
        heapq.heappush(self.events, (when, what, self.said, user))

    def _ask(self, now: int, user: int) -> None:
        if self.free:
            self.free -= 1
            self._visited(now, now, self.hold)
            self._say(now + self.hold, _RELEASED, user)
        else:
            self.waiting.append((now, user))
            self._say(now + self.patience, _TIMED_OUT, user)

    def _release(self, now: int, user: int) -> None:
        if self.waiting:
            asked, longest = self.waiting.popleft()
            self._visited(asked, now, self.hold)
            self._say(now + self.hold, _RELEASED, longest)
        else:
            self.free += 1
        self._answered(now, user)

    def _answered(self, now: int, user: int) -> None:
        again = now + round(self.load.think_s * NS)
        if again < self.leaves[user]:
            self._say(again, _ASKED, user)

    def _visited(self, asked: int, until: int, held: int | None) -> None:
        self.visits.append(Visit(asked / NS, (until - asked) / NS, None if held is None else held / NS))


def _stays(load: Closed) -> tuple[list[int], list[int]]:
    """When each user comes, and when they are told to leave, as the load driver does it: the last to come leaves
    first, and after the last stage everybody."""
    came: list[int] = []
    leaves: list[int] = []
    present: list[int] = []
    for when_s, users in user_steps(load.stages):
        when = round(when_s * NS)
        while len(present) < users:
            present.append(len(came))
            came.append(when)
            leaves.append(round(stages_s(load.stages) * NS))
        while len(present) > users:
            leaves[present.pop()] = when
    return came, leaves
