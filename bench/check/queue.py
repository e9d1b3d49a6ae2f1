"""Checks that requests are served in the order in which they began to wait.

No clock is read. The pool is filled by leaks that are kept; each waiter is sent when `/pool/stats` has counted the one
before it; each, once served, keeps its connection, so that the next one is free only when all kept are given back.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bench.check.client import Answer, together
from bench.check.experiments import KEPT, held
from bench.check.subject import Stats, Subject
from bench.check.verdicts import Failed, Skipped
from services.common import contract

SERVED: Final = 5
TRIES: Final = 3
"""A thread may lose its turn between being counted and being queued. That it does so three times is no accident."""
COUNTED_S: Final = 1.0
"""So long it is waited for a count that is to rise; a count that never does lies, and another check names it."""
OVERFLOW_HOLD_MS: Final = 1500
"""What a library ships beyond its size is held by the clock: all kept leaks come back together, and one is to."""


@dataclass(frozen=True, slots=True)
class Order:
    """Waiters by the order in which they came, listed as they were served; or why that could not be seen."""

    served: tuple[int, ...] = ()
    unseen: str = ""

    @property
    def kept(self) -> bool:
        return self.served == tuple(sorted(self.served))


async def first_come_first_served(subject: Subject) -> str:
    """Of requests that wait, each connection that comes free goes to the one that has waited longest."""
    for _ in range(TRIES):
        await subject.pool_of(1)
        seen = await _order(subject)
        if not seen.unseen and seen.kept:
            return f"{len(seen.served)} waited, and were served as they came"
    if seen.unseen:
        raise Skipped(seen.unseen)
    order = ", ".join(str(one + 1) for one in seen.served)
    raise Failed(f"waiters 1 to {len(seen.served)} came one after another, and were served in the order {order}")


async def _order(subject: Subject) -> Order:
    """One queue, from a full pool to the last who waited; nothing of it is left behind."""
    waiters: list[asyncio.Task[Answer]] = []
    async with held(subject, subject.overflow, OVERFLOW_HOLD_MS) as others:
        try:
            filled = await subject.client.get(KEPT)
            if filled.status != 200:
                return Order(unseen=f"no pool of one to fill: {filled}")
            if unseen := await _come(subject, waiters):
                return Order(unseen=unseen)
            seen = await _serve(subject, waiters)
            if any(other.done() for other in others):
                return Order(unseen="the machine is too busy: the pool was not full until the end")
            return seen
        finally:
            await _clear(subject, waiters)


async def _come(subject: Subject, waiters: list[asyncio.Task[Answer]]) -> str:
    """Sends one after another, each when the one before is counted; what went wrong, or nothing."""
    waiting = (await subject.stats())["waiting_requests"]
    for count in range(1, SERVED + 1):
        waiters.append(asyncio.create_task(subject.client.get(KEPT)))
        rose = (await subject.until(_counts(waiting + count), COUNTED_S))["waiting_requests"] - waiting
        if rose != count or any(one.done() for one in waiters):
            return f"{count} wait for a pool of one that is all handed out, and waiting_requests rose by {rose}"
    return ""


async def _serve(subject: Subject, waiters: list[asyncio.Task[Answer]]) -> Order:
    """Gives back what is kept, sees who has it then, and again until no request waits."""
    order: list[int] = []
    while len(order) < len(waiters):
        await subject.post(contract.RELEASE_LEAKS)
        pending = [one for index, one in enumerate(waiters) if index not in order]
        await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        came = [index for index, one in enumerate(waiters) if index not in order and one.done()]
        answers = [waiters[index].result() for index in came]
        if len(came) > 1 or answers[0].status != 200:
            return Order(unseen=f"one connection came back, and {', '.join(map(str, answers))}")
        order += came
    return Order(tuple(order))


async def _clear(subject: Subject, waiters: list[asyncio.Task[Answer]]) -> None:
    """Every request is answered, and nothing is kept any more."""
    while any(not one.done() for one in waiters):
        await subject.post(contract.RELEASE_LEAKS)
        await asyncio.wait([one for one in waiters if not one.done()], return_when=asyncio.FIRST_COMPLETED)
    await subject.post(contract.RELEASE_LEAKS)
    await together(waiters)


def _counts(waiting: int) -> Callable[[Stats], bool]:
    return lambda now: bool(now["waiting_requests"] >= waiting)
