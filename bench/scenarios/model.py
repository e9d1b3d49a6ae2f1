"""What a scenario is: frozen data that asks one question, with every time in holds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import parse_qsl

from bench.metrics.registry import why_no_primary
from bench.scenarios.possible import (
    why_a_freeze_does_not_matter,
    why_leaks_do_not_matter,
    why_none_times_out,
    why_requests_wait,
)
from services.common import contract
from services.common.contract import How, Release, WorkKind
from services.workload.loads import Burst, Closed, Load, Open, Sequential, Share, Stage, length_s

LEAST_MARGIN_MS: Final = 25
"""What a hundred requests need to get into a Python server on two cores (see "server queue"); an acquire timeout that
ends nearer to a batch than this leaves it to chance which are in it."""
Family = Literal["baseline", "exhaustion", "overload", "fairness", "fixes", "leaks", "outage"]


@dataclass(frozen=True, kw_only=True)
class Leak:
    """At `at` holds, `count` requests to `/api/query-leak?how=…`, one after another."""

    at: float
    count: int
    how: How


@dataclass(frozen=True, kw_only=True)
class ReleaseLeaks:
    """At `at` holds, `POST /admin/leaks/release`."""

    at: float


@dataclass(frozen=True, kw_only=True)
class KillBackends:
    """At `at` holds, every PostgreSQL backend of the service is terminated."""

    at: float


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """At `at` holds, PostgreSQL stands still with all its processes, and goes on `holds` holds later."""

    at: float
    holds: float

    @property
    def until(self) -> float:
        return self.at + self.holds


Outage = KillBackends | Freeze
"""What strikes the database itself, whichever service asks it."""
Fault = Leak | ReleaseLeaks | Outage


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One question, and what to do to a service to answer it.

    Times are in holds: in `load`, one second stands for one hold and a rate is per hold. `hold` is this
    scenario's own in multiples of the profile's (a fix that halves it says 0.5). `acquire_timeout` is the
    acquire timeout, in multiples of the profile's hold, so that it stays when `hold` changes.
    """

    name: str
    family: Family
    question: str
    load: Load
    primary: str
    """The one metric on which stacks are compared here: a name of `bench.metrics` that has a better direction."""
    pool_size: int = 5
    acquire_timeout: float = 10.5
    hold: float = 1.0
    hold_ms: int | None = None
    """The profile's hold is not used, this one is: for cells whose shape does not scale (connects, faults)."""
    work_kind: WorkKind = "sleep"
    path: str = contract.QUERY
    faults: tuple[Fault, ...] = ()
    answers: str | None = None
    """The failure that this scenario is a fix of, under the same load."""
    must_time_out: bool = False
    """A load that cannot time out by its arithmetic is refused when it is defined."""

    def __post_init__(self) -> None:
        if self.pool_size < 1 or self.acquire_timeout <= 0 or self.hold <= 0:
            raise ValueError(f"{self.name}: pool size, acquire timeout and hold must be positive")
        if why := why_no_primary(self.primary) or self._impossible():
            raise ValueError(f"{self.name}: {why}")

    def _impossible(self) -> str:
        """Why this cannot show what it is named for, by arithmetic; "" where it can, or where its hold is no time."""
        c, leaks = self.pool_size, [fault for fault in self.faults if isinstance(fault, Leak)]
        if self.family == "baseline" and (why := why_requests_wait(self.load, c, self.hold)):
            return why
        if why := self._shows_no_fault(leaks):
            return why
        if self.family == "leaks" and (
            why := why_leaks_do_not_matter(self.load, c, self.hold, sum(leak.count for leak in leaks))
        ):
            return why
        for freeze in (fault for fault in self.faults if isinstance(fault, Freeze)):
            if why := why_a_freeze_does_not_matter(self.load, c, freeze.holds, self.acquire_timeout):
                return why
        if not self.must_time_out or self.work_kind == "cpu":
            return ""
        return why_none_times_out(self.load, c, self.hold, self.acquire_timeout)

    def _path(self, release: Release | None) -> str:
        path, query, asked = self.path.partition("?")
        if release is None or path not in contract.ONE_CHECKOUT:
            return self.path
        return f"{contract.RELEASES[release]}{query}{asked}"

    @property
    def takes_a_connection(self) -> bool:
        """Without one, a scenario says what a framework costs and nothing about a pool."""
        return self.path != contract.NOOP

    def _shows_no_fault(self, leaks: Sequence[Leak]) -> str:
        """Why what is to go wrong does not, or too late for a request to meet it."""
        outages = [fault for fault in self.faults if isinstance(fault, Outage)]
        if self.family == "leaks" and not leaks:
            return "nothing leaks: add a Leak to its faults"
        if self.family == "outage" and not outages:
            return "nothing strikes the database: add KillBackends or a Freeze to its faults"
        lasts = length_s(self.load)
        if outages and not lasts:
            return "the load is over with its answers, and an outage needs one that lasts: make it open or closed"
        moments = (fault.until if isinstance(fault, Freeze) else fault.at for fault in self.faults)
        late = [moment for moment in moments if 0 < lasts <= moment]
        if late:
            return f"the load ends after {lasts:g} holds, and a fault is at {late[0]:g}: have it earlier"
        return ""

    def refusal(self, profile_hold_ms: int) -> str | None:
        """Why this cannot be asked at such a hold, and what to do; None where it can."""
        unit_ms = self.hold_ms or profile_hold_ms
        if (self.hold * unit_ms) % 1:
            return f"{self.name} holds for {self.hold:g} × {unit_ms} ms, which is no whole number of them: take another"
        margin_ms = unit_ms * self.hold * (0.5 - abs(self.acquire_timeout / self.hold % 1 - 0.5))
        if (
            self.must_time_out
            and isinstance(self.load, Burst)
            and self.work_kind != "cpu"
            and margin_ms < LEAST_MARGIN_MS
        ):
            return (
                f"{self.name} at a hold of {unit_ms} ms has its acquire timeout end {margin_ms:g} ms from a batch, "
                f"and a burst needs up to {LEAST_MARGIN_MS} ms to get in: take a longer one"
            )
        return None

    def at(self, profile_hold_ms: int, release: Release | None = None) -> "Asked":
        """This scenario in seconds, for a profile whose hold is `profile_hold_ms`; with connections given back as
        `release` says, where its path has both ways and something is said."""
        unit_ms = self.hold_ms or profile_hold_ms
        unit_s = unit_ms / 1000
        return Asked(
            scenario=self,
            unit_s=unit_s,
            hold_ms=max(1, round(self.hold * unit_ms)),
            acquire_timeout_s=self.acquire_timeout * unit_s,
            load=scaled(self.load, unit_s),
            mix=(Share(path=self._path(release)),),
        )


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A scenario in seconds. `unit_s` is the profile's hold, of which fault times are multiples."""

    scenario: Scenario
    unit_s: float
    hold_ms: int
    acquire_timeout_s: float
    load: Load
    mix: tuple[Share, ...]

    @property
    def checkouts(self) -> int:
        """How many times one request takes a connection, one after another."""
        path, _, query = self.scenario.path.partition("?")
        return contract.parse_times(dict(parse_qsl(query))) if path == contract.SEVERAL else 1

    @property
    def give_up_s(self) -> float:
        """After this, no answer comes any more: acquire timeout and hold of every checkout, and time to spare."""
        return self.checkouts * (self.acquire_timeout_s + 4 * self.hold_ms / 1000) + 20

    @property
    def most_in_flight(self) -> int:
        """The most requests that wait for an answer at once, by arithmetic; a server has that many threads."""
        match self.load:
            case Sequential():
                return 1
            case Burst(requests=n):
                return n
            case Closed(stages=stages):
                return max(stage.users for stage in stages)
            case Open(rate_per_s=rate, seconds=seconds):
                longest_s = min(seconds, self.checkouts * (self.acquire_timeout_s + self.hold_ms / 1000))
                return math.ceil(1.5 * rate * longest_s) + 16


def scaled(load: Load, unit_s: float) -> Load:
    """A load whose seconds were holds, in seconds."""
    match load:
        case Sequential() | Burst():
            return load
        case Closed(stages=stages, think_s=think):
            longer = tuple(Stage(users=stage.users, seconds=stage.seconds * unit_s) for stage in stages)
            return Closed(stages=longer, think_s=think * unit_s)
        case Open(rate_per_s=rate, seconds=seconds):
            return replace(load, rate_per_s=rate / unit_s, seconds=seconds * unit_s)
