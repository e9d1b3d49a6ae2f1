"""Judges capacity, counts and integrals from what a client saw; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.check.verdicts import settle

PER_REQUEST_S: Final = 0.001
RELATIVE: Final = 0.01
"""A service may read its clock twice, once for a request's own time and once for the integral: a millisecond
for each request, and a hundredth of the whole. One that reads it once is exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One request to `/api/`. Moments are the client's, durations what the answer says; all in seconds."""

    path: str
    status: int
    sent: float
    received: float
    acquire_s: float = 0.0
    """The wait; of a 503 `waited_seconds`."""
    work_s: float = 0.0
    release_s: float = 0.0
    app_s: float = 0.0
    asked_s: float | None = None
    """The hold that was asked for; None where there is none."""
    error: str | None = None

    @property
    def seconds(self) -> float:
        return self.received - self.sent

    def __str__(self) -> str:
        return f"{self.path} ({self.status})"


@dataclass(frozen=True, slots=True)
class Poll:
    """One look at `/pool/stats`."""

    sent: float
    received: float
    used: int
    waiting: int


def held_at_once(samples: Sequence[Sample]) -> tuple[int, float]:
    """How many connections were certainly held at one moment, and how many on average.

    A hold ends `release` before the answer is here, at the latest, and begins `acquire` after the request
    was sent, at the earliest: in between it certainly lasts. The average needs no moments at all: what is
    held longer in sum than the whole took was held by so many at once.
    """
    served = [sample for sample in samples if sample.status == 200 and sample.work_s > 0]
    if not served:
        return 0, 0.0
    steps: list[tuple[float, int]] = []
    for one in served:
        begin, end = one.received - one.release_s - one.work_s, one.sent + one.acquire_s + one.work_s
        if begin < end:
            steps += [(begin, 1), (end, -1)]
    held = most = 0
    for _, step in sorted(steps):  # at one moment, ends come before begins
        held += step
        most = max(most, held)
    wall = max(one.received - one.release_s for one in served) - min(one.sent + one.acquire_s for one in served)
    return most, sum(one.work_s for one in served) / max(wall, 1e-9)


def capacity_shown(samples: Sequence[Sample], size: int) -> bool:
    """Whether it is certain that `size` requests held at once; an average above size minus 1 proves it, too."""
    certain, average = held_at_once(samples)
    return certain >= size or average > size - 1


def capacity(samples: Sequence[Sample], polls: Sequence[Poll], size: int, most: int) -> str:
    """Exactly `size` at once, or up to `most` where the library ships an overflow."""
    certain, average = held_at_once(samples)
    used = max((poll.used for poll in polls), default=0)
    problems = []
    if certain > most:
        problems.append(f"{certain} requests held a connection at once, {most} may")
    elif average > most:
        problems.append(f"{average:.2f} requests held a connection on average, {most} may")
    if used > most:
        problems.append(f"pool_used_size was {used}, {most} is all there is")
    if not capacity_shown(samples, size):
        problems.append(
            f"no more than {certain} requests held a connection at once ({average:.2f} on average) of {size}"
        )
    over = f", {size} and {used - size} of the library's own overflow" if used > size else ""
    return settle(problems, f"{max(certain, used)} at once{over}, {average:.2f} on average")


def waiting(polls: Sequence[Poll], samples: Sequence[Sample], steady: int, after: int) -> str:
    """`waiting_requests` was never more than could wait, exactly `steady` when all waited, and 0 after.

    `samples` are all requests that were in flight; those that could wait at a poll were sent before its
    answer came and answered after it was asked.
    """
    problems = []
    for poll in polls:
        able = sum(1 for one in samples if one.sent < poll.received and one.received > poll.sent)
        if poll.waiting > able:
            problems.append(f"waiting_requests was {poll.waiting} with {able} requests in flight")
    seen = max((poll.waiting for poll in polls), default=0)
    if seen < steady:
        problems.append(f"waiting_requests was never more than {seen} while {steady} waited")
    elif seen > steady:
        problems.append(f"waiting_requests was {seen} while {steady} waited")
    if after != 0:
        problems.append(f"waiting_requests was {after} when no request waited any more")
    return settle(problems, f"{seen} of {steady} while they waited, 0 after, {len(polls)} looks")


def counts(rise: Mapping[str, float], samples: Sequence[Sample]) -> str:
    """The totals rose by what the client saw; `rise` is after minus before of `/pool/stats`."""
    served = sum(1 for one in samples if one.status == 200)
    timed_out = sum(1 for one in samples if one.error in ("pool_exhausted", "pool_growing"))
    failed = sum(1 for one in samples if one.error == "database_unavailable")
    expected = {
        "acquired_total": served,
        "released_total": served,
        "timed_out_total": timed_out,
        "failed_total": failed,
        "leaked_total": 0,
        "abandoned_total": 0,
        "pool_used_size": 0,
        "waiting_requests": 0,
    }
    problems = [
        f"{name} rose by {rise[name]:g}, the client saw {count}"
        for name, count in expected.items()
        if rise[name] != count
    ]
    return settle(problems, f"{served} acquired and released, {timed_out} timed out, as the client saw")


def integrals(rise: Mapping[str, float], samples: Sequence[Sample]) -> str:
    """`waiter_seconds_total` rose by the sum of the waits, `used_seconds_total` by that of the holds."""
    waits = [one.acquire_s for one in samples]
    holds = [one.work_s for one in samples if one.status == 200]
    problems, figures = [], []
    for name, parts in (("waiter_seconds_total", waits), ("used_seconds_total", holds)):
        total, given = sum(parts), rise[name]
        if abs(given - total) > PER_REQUEST_S * len(parts) + RELATIVE * total:
            problems.append(f"{name} rose by {given:.3f} s, the requests' own sum is {total:.3f} s")
        figures.append(f"{name} {given:.3f} s for {total:.3f} s")
    return settle(problems, ", ".join(figures))
