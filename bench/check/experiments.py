"""What is done to a service so that several checks can judge it: a burst, and a pool that is exhausted.

Nothing here judges.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from bench.check.client import Answer, together
from bench.check.exposition import Exposition
from bench.check.judge import Poll, Sample, capacity_shown, held_at_once
from bench.check.judge_time import NOOP_EVERY_S, Probe
from bench.check.subject import POLL_EVERY_S, Stats, Subject, exposition, to_sample
from bench.check.verdicts import Failed
from services.common import contract

HOLD_MS: Final = 70
LONGER_MS: Final = 15
ACQUIRE_TIMEOUT_S: Final = 0.25
SURELY_HELD_MS: Final = 600
"""Longer than it takes to fill a pool, to time out, and to be late by as much again."""
FULL_S: Final = 0.15
TRIES: Final = 3
KEPT: Final = f"{contract.QUERY_LEAK}?how=kept"
WAITERS: Final = (contract.QUERY, contract.QUERY_PROPER) * 3 + (contract.NESTED, contract.SEVERAL, contract.QUERY_LEAK)


@dataclass(frozen=True, slots=True)
class Beside:
    """What was asked all the while, every few milliseconds."""

    polls: list[Poll]
    noops: list[Answer]

    @property
    def probes(self) -> list[Probe]:
        return [(noop.sent, noop.received) for noop in self.noops]


@dataclass(frozen=True, slots=True)
class Burst:
    """More requests at once than the pool has connections, and all of them patient."""

    size: int
    samples: tuple[Sample, ...]
    beside: Beside
    before: Stats
    after: Stats


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """All connections held while `waiters` time out."""

    holders: tuple[Sample, ...]
    waiters: tuple[Sample, ...]
    refusals: tuple[Answer, ...]
    """The waiters' answers as they came."""
    health: tuple[Answer, ...]
    beside: Beside
    looks: tuple[Stats, Exposition, Stats]
    """`/pool/stats`, `/metrics` and `/pool/stats` again, while all wait."""
    before: Stats
    after: Stats
    metrics_before: Exposition
    metrics_after: Exposition

    @property
    def samples(self) -> tuple[Sample, ...]:
        return self.holders + self.waiters


async def burst(subject: Subject, hold_ms: int = HOLD_MS) -> Burst:
    """Four rounds of requests at once, explicit and proper, with the configured hold and with one of their own."""
    size = subject.size
    before = await subject.pool_of(size, hold_ms=hold_ms)
    async with watching(subject) as beside:
        asked = []
        for index in range(min(36, 4 * subject.most(size))):
            path = (contract.QUERY, contract.QUERY_PROPER)[index % 2]
            own = hold_ms + LONGER_MS if index % 4 > 1 else None
            asked.append(subject.sample(path, own, asked_ms=hold_ms))
        samples = await together(asked)
    return Burst(size, tuple(samples), beside, before, await subject.at_rest())


async def shown_burst(subject: Subject) -> Burst:
    """A burst that shows the capacity; on a machine that is too busy to see it, again with longer holds."""
    for hold_ms in (HOLD_MS, 2 * HOLD_MS, 4 * HOLD_MS):
        last = await burst(subject, hold_ms)
        if capacity_shown(last.samples, last.size):
            break
    return last


async def capacity_of(subject: Subject) -> int:
    """How many connections the pool of `subject.size` hands out, so that others can exhaust it."""
    if subject.shipped:
        return subject.most(subject.size)
    certain, _ = held_at_once((await subject.once("burst", shown_burst)).samples)
    return max(subject.size, certain)


async def shown_exhaustion(subject: Subject) -> Exhaustion:
    """An exhaustion in which every request waited; where the machine was too busy for that, again with longer holds.

    It was when a waiter came so late that it was served in time, or when no look came while all of them waited.
    """
    for hold_ms in (SURELY_HELD_MS, 3 * SURELY_HELD_MS):
        last = await _exhaustion(subject, hold_ms)
        served = [one for one in last.waiters if one.status == 200 and one.acquire_s < ACQUIRE_TIMEOUT_S]
        began, ended = max(one.sent for one in last.waiters), min(one.received for one in last.waiters)
        if not served and any(began < poll.sent and poll.received < ended for poll in last.beside.polls):
            break
        await subject.post(contract.RELEASE_LEAKS)
    return last


async def of_exhaustion(subject: Subject, judge: Callable[[Exhaustion], str]) -> str:
    """What `judge` says of an exhaustion; where it finds fault, of another one, and of a third.

    For what takes time: a machine that stands still spoils one, and a service that is accused has failed three times.
    """
    for again in range(TRIES - 1):
        try:
            return judge(await (shown_exhaustion(subject) if again else subject.once("exhaustion", shown_exhaustion)))
        except Failed:
            await subject.post(contract.RELEASE_LEAKS)
    return judge(await shown_exhaustion(subject))


async def _exhaustion(subject: Subject, hold_ms: int) -> Exhaustion:
    """Holds every connection, lets nine requests wait until they give up, and asks the rest meanwhile."""
    capacity = await capacity_of(subject)
    before = await subject.pool_of(subject.size, timeout_s=ACQUIRE_TIMEOUT_S)
    metrics_before = await subject.metrics()
    async with held(subject, capacity, hold_ms) as holders, watching(subject) as beside:
        waiting = [asyncio.create_task(subject.client.get(path)) for path in WAITERS]
        try:
            await subject.until(lambda now: now["waiting_requests"] >= len(WAITERS), FULL_S)
            health = [await subject.client.get(contract.HEALTH) for _ in range(3)]
            stats, metrics = await subject.stats(), await subject.client.get(contract.METRICS)
            stats_again = await subject.stats()
        finally:
            refusals = await together(waiting)
    after = await subject.at_rest()
    return Exhaustion(
        holders=tuple(holder.result() for holder in holders),
        waiters=tuple(to_sample(refusal) for refusal in refusals),
        refusals=tuple(refusals),
        health=tuple(health),
        beside=beside,
        looks=(stats, exposition(metrics), stats_again),
        before=before,
        after=after,
        metrics_before=metrics_before,
        metrics_after=await subject.metrics(),
    )


@asynccontextmanager
async def held(subject: Subject, count: int, hold_ms: int) -> AsyncIterator[list[asyncio.Task[Sample]]]:
    """`count` connections handed out for `hold_ms`; leaving waits until they are given back."""
    if count == 0:
        yield []
        return
    used = (await subject.stats())["pool_used_size"]
    holders = [asyncio.create_task(subject.sample(contract.QUERY, hold_ms)) for _ in range(count)]
    try:
        await subject.until(lambda now: now["pool_used_size"] >= used + count, FULL_S)
        yield holders
    finally:
        await together(holders)


@asynccontextmanager
async def watching(subject: Subject) -> AsyncIterator[Beside]:
    """Asks `/pool/stats`, and `/api/noop` twice over, until left."""
    beside = Beside([], [])
    until = asyncio.Event()

    async def look() -> None:
        while not until.is_set():
            beside.polls.append(await subject.poll())
            await asyncio.sleep(POLL_EVERY_S)

    async def ask() -> None:
        while not until.is_set():
            beside.noops.append(await subject.client.get(contract.NOOP))
            await asyncio.sleep(NOOP_EVERY_S)

    watchers = [asyncio.create_task(one()) for one in (look, ask)]
    try:
        yield beside
    finally:
        until.set()
        await together(watchers)
