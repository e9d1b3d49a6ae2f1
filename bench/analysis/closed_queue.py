"""Closed load on a FIFO pool that costs nothing, simulated event by event in whole nanoseconds."""

import heapq
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from bench.analysis.visit import Visit
from services.workload.arrivals import user_steps
from services.workload.loads import Closed, stages_s

NS: Final = 10**9
_TIMED_OUT, _RELEASED, _ASKED = range(3)
"""What comes first of what comes at one moment: a request whose patience ends then is not served, and one that asks
then is too late for it (⌈T/h⌉ batches start before T, none at T)."""


def closed_visits(load: Closed, c: int, hold_s: float, patience_s: float) -> list[Visit]:
    """A visit for each request of users who ask, wait, think, and ask again until they leave; as they were asked.

    Not by ciw: there a user who returns is a customer of a network whose number is fixed, or who comes from outside
    for good; it has no stages in which users come one by one and the last to come leave first, with the answer that
    they wait for, in the middle of a thought. In whole nanoseconds two events at one moment really are at one moment.
    A burst is a closed load too (and an open one): the tests hold both simulations against the arithmetic of a burst,
    and against each other.
    """
    return _Pool(load, c, round(hold_s * NS), round(patience_s * NS)).played()


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
    first, and after the last stage all."""
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
