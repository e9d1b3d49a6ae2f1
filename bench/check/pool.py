"""Checks how many requests hold, how many wait, and whether the counts agree with the client's own."""

import asyncio
from typing import Final

from bench.check import judge, judge_time
from bench.check.client import Answer, together
from bench.check.experiments import (
    ACQUIRE_TIMEOUT_S,
    WAITERS,
    Exhaustion,
    of_exhaustion,
    shown_burst,
    shown_exhaustion,
)
from bench.check.shapes import problem_of, refusal_problem
from bench.check.subject import Subject, cause, rise
from bench.check.verdicts import Failed, Skipped, settle
from services.common import contract, models

NOOPS: Final = 5
SIZES: Final = (8, 3, 5)
RESIZE_HOLD_MS: Final = 50
CLIENTS: Final = 12
EACH: Final = 5
SHORTEST_S: Final = 0.001
GROWING_TRIES: Final = 3


async def at_rest(subject: Subject) -> str:
    """With nothing asked, nothing is used and no request waits."""
    stats = await subject.at_rest()
    named = ("pool_used_size", "waiting_requests", "pool_connecting")
    problems = [f"{name} is {stats[name]} with nothing asked" for name in named if stats[name]]
    if "draining" in stats:
        problems.append(f"an old pool drains for ever: {stats['draining']}")
    return settle(problems, "nothing used, no request waits")


async def capacity(subject: Subject) -> str:
    """Exactly `pool_max_size` requests hold a connection at once, never one more."""
    seen = await subject.once("burst", shown_burst)
    return judge.capacity(seen.samples, seen.beside.polls, seen.size, subject.most(seen.size))


async def burst_served(subject: Subject) -> str:
    """Requests that are patient are all served, each with the contract's rows."""
    seen = await subject.once("burst", shown_burst)
    refused = [f"{one}: {one.error}" for one in seen.samples if one.status != 200]
    return settle(refused, f"{len(seen.samples)} of {len(seen.samples)} served on {seen.size} connections")


async def waiting_count(subject: Subject) -> str:
    """`waiting_requests` is right while requests wait, and 0 when they have given up."""
    seen = await subject.once("exhaustion", shown_exhaustion)
    return judge.waiting(seen.beside.polls, seen.samples, len(WAITERS), seen.after["waiting_requests"])


async def counts(subject: Subject) -> str:
    """Acquired, released and timed out rise by what the client saw: in a burst, and while the pool is exhausted."""
    served = await subject.once("burst", shown_burst)
    refused = await subject.once("exhaustion", shown_exhaustion)
    judge.counts(rise(served.before, served.after), served.samples)
    return judge.counts(rise(refused.before, refused.after), refused.samples)


async def integrals(subject: Subject) -> str:
    """The integrals over waiters and used connections rise by the sums of the requests' own times."""
    served = await subject.once("burst", shown_burst)
    refused = await subject.once("exhaustion", shown_exhaustion)
    judge.integrals(rise(served.before, served.after), served.samples)
    return judge.integrals(rise(refused.before, refused.after), refused.samples)


async def refusals(subject: Subject) -> str:
    """Each path answers an exhausted pool with the contract's 503, and names `pool_exhausted`."""
    seen = await subject.once("exhaustion", shown_exhaustion)
    problems = [problem for one in seen.refusals if (problem := refusal_problem(one))]
    problems += [
        f"{one}: error is {given!r}, the pool is exhausted"
        for one in seen.refusals
        if (given := _error(one)) and given != "pool_exhausted"
    ]
    return settle(problems, f"{len(seen.refusals)} times 503 pool_exhausted after {ACQUIRE_TIMEOUT_S:g} s")


async def health_while_exhausted(subject: Subject) -> str:
    """Each `/health` is answered while all connections are held."""

    def judged(seen: Exhaustion) -> str:
        problems = [problem for one in seen.health if (problem := problem_of(one, 200, models.Health))]
        if problems:
            raise Failed("; ".join(problems))
        return judge_time.while_exhausted([(one.sent, one.received) for one in seen.health], seen.holders)

    return await of_exhaustion(subject, judged)


async def noop_without_pool(subject: Subject) -> str:
    """Each `/api/noop` is answered while all connections are held, and takes no connection when it is not."""
    line = await of_exhaustion(subject, lambda seen: judge_time.while_exhausted(seen.beside.probes, seen.holders))
    before = await subject.stats()
    answers = [await subject.client.get(contract.NOOP) for _ in range(NOOPS)]
    took = rise(before, await subject.stats())
    told = [one.server_timing() or {} for one in answers]
    problems = [
        f"{name} rose by {took[name]:g} in {NOOPS} noops" for name in ("acquired_total", "failed_total") if took[name]
    ]
    problems += [f"{name} is {one[name]} ms in a noop" for one in told for name in ("acquire", "work") if one.get(name)]
    return settle(problems, line)


async def growing(subject: Subject) -> str:
    """A wait that ends while the pool still connects is `pool_growing`, not `pool_exhausted`.

    Each try is of another size, so that its pool is a new one without any connection. Where the thread that connects
    has not had its turn in so short a time, the pool does not connect yet: that happens, and not three times.
    """
    for more in range(GROWING_TRIES):
        await subject.configure(
            pool_min_size=0, pool_max_size=subject.size + more, pool_acquire_timeout=SHORTEST_S, work_kind="sleep"
        )
        answer = await subject.client.get(f"{contract.QUERY}?hold_ms=0")
        await subject.at_rest()
        if answer.status == 200:
            raise Skipped(f"a connection was made within {SHORTEST_S * 1000:g} ms, or the library waits for it")
        if problem := refusal_problem(answer):
            raise Failed(problem)
        if _error(answer) == "pool_growing":
            return f"503 pool_growing after {SHORTEST_S * 1000:g} ms, with no connection made yet"
    raise Failed(f"error is {_error(answer)!r} while the first connection of an empty pool is made: {cause(answer)}")


async def resize_under_load(subject: Subject) -> str:
    """Another size while requests hold and wait fails none of them, and the old pools are gone soon after."""
    before = await subject.pool_of(5, hold_ms=RESIZE_HOLD_MS)
    answers: list[Answer] = []
    served = asyncio.Semaphore(0)

    async def work(index: int) -> None:
        for turn in range(EACH):
            path = (contract.QUERY, contract.QUERY_PROPER)[(index + turn) % 2]
            answers.append(await subject.client.get(path))
            served.release()

    async def resize() -> None:
        for size in SIZES:
            for _ in range(CLIENTS * EACH // (len(SIZES) + 1)):
                await served.acquire()
            await subject.configure(pool_max_size=size)

    resizing = asyncio.create_task(resize())
    try:
        await together(work(index) for index in range(CLIENTS))
        await resizing
    finally:
        resizing.cancel()
    after = await subject.at_rest()
    problems = [f"{one}: {cause(one)}" for one in answers if one.status != 200]
    if "draining" in after:
        problems.append(f"draining did not end: {after['draining']}")
    if after["pool_max_size"] != SIZES[-1]:
        problems.append(f"pool_max_size is {after['pool_max_size']} after {SIZES[-1]} was set")
    grew = rise(before, after)
    problems += [
        f"{name} rose by {grew[name]:g}, the client saw {len(answers)}"
        for name in ("acquired_total", "released_total")
        if grew[name] != len(answers)
    ]
    return settle(problems, f"{len(answers)} of {len(answers)} served through sizes 5, {', '.join(map(str, SIZES))}")


def _error(answer: Answer) -> str | None:
    body = answer.json()
    detail = body.get("detail") if isinstance(body, dict) else None
    return detail.get("error") if isinstance(detail, dict) else None
