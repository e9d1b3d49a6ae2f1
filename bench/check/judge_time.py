"""Judges holds, timeouts and reported times from what a client saw, and from how late `/api/noop` was then; pure."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from bench.check.client import Answer
from bench.check.judge import Sample
from bench.check.verdicts import Skipped, settle

LATE_SHARE: Final = 0.1
"""A timeout may be late by a tenth, and by what the machine is late at that moment."""
ROUNDING_S: Final = 0.00001
"""Times are told in thousandths of a millisecond."""
NOOP_EVERY_S: Final = 0.005
"""How often `/api/noop` is asked beside."""
MOST_UNTOLD_S: Final = 0.15
"""What a framework takes of most requests, at the most, however slow a noop once was."""
STILL_TO_GO: Final = 0.25
"""Probes count that are sent while the pool stays exhausted for at least this share of the time that it is: the last
moments prove nothing."""

Probe = tuple[float, float]
"""When a request that needs no pool was sent and answered, in seconds."""


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def never_short(samples: Sequence[Sample]) -> str:
    """Every hold lasted as long as was asked, by the service's clock and by the client's."""
    held = [(one, one.asked_s) for one in samples if one.status == 200 and one.asked_s is not None]
    problems = []
    for one, asked_s in held:
        if one.work_s < asked_s - ROUNDING_S:
            problems.append(f"{one.path} held {ms(one.work_s)} of {ms(asked_s)}")
        elif one.seconds < asked_s:
            problems.append(f"{one.path} says that it held {ms(one.work_s)} and was back after {ms(one.seconds)}")
    if not held:
        problems.append("no request was served")
    over = max((one.work_s - asked_s for one, asked_s in held), default=0.0)
    return settle(problems, f"{len(held)} holds, the longest {ms(over)} over")


def never_early(samples: Sequence[Sample], acquire_timeout_s: float) -> str:
    """No timeout came, or says that it had waited, before `acquire_timeout_s` was over.

    A database that is unavailable is no timeout, and says so at once. Raises Skipped where there was nothing else.
    """
    refused = [one for one in samples if one.status == 503]
    late = [one for one in refused if one.error != "database_unavailable"]
    if refused and not late:
        raise Skipped(f"the database was unavailable to all {len(refused)} that were rejected")
    problems = []
    for one in late:
        if one.seconds < acquire_timeout_s:
            problems.append(f"{one.path} gave up after {ms(one.seconds)} of {ms(acquire_timeout_s)}")
        elif one.acquire_s < acquire_timeout_s - ROUNDING_S:
            problems.append(f"{one.path} says waited_seconds {one.acquire_s:.6f} of {acquire_timeout_s:g}")
        elif one.acquire_s > one.seconds + ROUNDING_S:
            problems.append(
                f"{one.path} says waited_seconds {one.acquire_s:.6f} and was back after {one.seconds:.6f} s"
            )
    if not late:
        problems.append(f"no wait timed out after {ms(acquire_timeout_s)}")
    shortest = min((one.seconds for one in late), default=0.0)
    return settle(problems, f"{len(late)} timeouts of {ms(acquire_timeout_s)}, the first after {ms(shortest)}")


def excuse_s(sample: Sample, acquire_timeout_s: float, noops: Sequence[Probe]) -> float:
    """What the machine may add to this wait: a standstill on the way in, and one on the way out, as noops saw them.

    At most the acquire timeout again: a service whose noop is slow has no other excuse than one whose noop is quick.
    """
    due = sample.sent + acquire_timeout_s
    found = _standstill(noops, sample.sent, sample.sent) + _standstill(noops, due, max(due, sample.received))
    return min(found, acquire_timeout_s)


def not_late(samples: Sequence[Sample], acquire_timeout_s: float, noops: Sequence[Probe]) -> str:
    """No wait, timed out or served, lasted longer than acquire timeout, a tenth, and what noops excuse at that
    moment."""
    problems = []
    worst, excused = 0.0, 0.0
    for one in samples:
        waited, excuse = one.seconds if one.status == 503 else one.acquire_s, excuse_s(one, acquire_timeout_s, noops)
        limit = acquire_timeout_s * (1 + LATE_SHARE) + excuse
        if waited > limit:
            problems.append(f"{one} waited {ms(waited)} of {ms(acquire_timeout_s)}, and {ms(limit)} is the most here")
        if one.status == 503:
            worst, excused = max(worst, waited - acquire_timeout_s), max(excused, excuse)
    if not any(one.status == 503 for one in samples):
        problems.append(f"no wait timed out after {ms(acquire_timeout_s)}")
    return settle(
        problems, f"at most {ms(worst)} late of {ms(acquire_timeout_s)}, where noop excuses up to {ms(excused)}"
    )


def coherent(answers: Sequence[Answer]) -> str:
    """The four times of each answer fit into each other, into the body's, and into the client's clock."""
    problems = []
    slack = 0.01  # ms
    for one in answers:
        told = one.server_timing()
        if told is None:
            continue
        parts = told["acquire"] + told["work"] + told["release"]
        if told["app"] > one.seconds * 1000 + slack:
            problems.append(f"{one}: app {told['app']:.3f} ms, and the client had it after {ms(one.seconds)}")
        elif parts > told["app"] + slack:
            problems.append(f"{one}: acquire, work and release are {parts:.3f} ms of app {told['app']:.3f} ms")
        body = one.json() if one.status == 200 and one.path.startswith("/api/") else None
        timing = body.get("timing") if isinstance(body, dict) else None
        if isinstance(timing, dict):
            apart = [
                name for name in ("acquire", "work", "release") if not _same(timing.get(f"{name}_time_ms"), told[name])
            ]
            problems += [f"{one}: {name} in the body and in Server-Timing differ" for name in apart]
    return settle(problems, f"{len(answers)} answers fit into the client's clock")


def told(samples: Sequence[Sample], noops: Sequence[Probe]) -> str:
    """Of most requests that were served, and of most that were rejected, no more of `app` is in none of acquire, work
    and release than two of the slowest noops, or `MOST_UNTOLD_S`."""
    untold: dict[int, list[float]] = {200: [], 503: []}
    for one in samples:
        if one.status in untold:
            untold[one.status].append(one.app_s - one.acquire_s - one.work_s - one.release_s)
    middle = max((median(each) for each in untold.values() if each), default=0.0)
    slowest = max((received - sent for sent, received in noops), default=0.0)
    limit = min(2 * (slowest + NOOP_EVERY_S), MOST_UNTOLD_S)
    problem = f"{ms(middle)} of app is in none of acquire, work and release, and {ms(limit)} are excused"
    return settle([problem] if middle > limit else [], f"{ms(middle)} of app is untold, {ms(limit)} are excused")


def while_exhausted(probes: Sequence[Probe], holders: Sequence[Sample]) -> str:
    """Every probe that was sent while all connections were held was answered before one could come free; no absolute
    limit.

    The slowest counts: one that needs the pool now and then is late now and then. Where a busy machine may have spoilt
    one, the caller asks again.
    """
    holds = [one for one in holders if one.status == 200]
    full = max((one.received - one.release_s - one.work_s for one in holds), default=0.0)
    free = min((one.sent + one.acquire_s + one.work_s for one in holds), default=0.0)
    latest = free - STILL_TO_GO * (free - full)
    took = [received - sent for sent, received in probes if full < sent <= latest]
    late = sum(full < sent <= latest and received >= free for sent, received in probes)
    slowest = max(took, default=0.0)
    problems = [] if took else [f"none of {len(probes)} was sent while all connections were held"]
    if late:
        problems.append(f"{late} of {len(took)} came only when a connection had come free, after up to {ms(slowest)}")
    return settle(problems, f"{len(took)} while {len(holds)} held all connections, the slowest in {ms(slowest)}")


def _standstill(noops: Sequence[Probe], begin: float, end: float) -> float:
    """The longest time around `begin` to `end`, in seconds, for which no noop shows that the service was answering.

    From one's sending to the next one's answer: the service (its collector of garbage, its turn on the CPU) may have
    stood still from the moment after the first was answered, while that answer lay unread.
    """
    around = [after[1] - before[0] for before, after in pairwise(noops) if before[0] <= end and after[1] >= begin]
    return max(around, default=NOOP_EVERY_S)


def _same(value: object, told: float) -> bool:
    return isinstance(value, int | float) and abs(value - told) < 0.002
