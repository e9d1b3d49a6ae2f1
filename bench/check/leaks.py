"""Checks connections that do not come back, second connections, and clients that leave."""

import asyncio
from itertools import pairwise
from typing import Any, Final

from bench.check.client import together
from bench.check.experiments import ACQUIRE_TIMEOUT_S, FULL_S, SURELY_HELD_MS, held
from bench.check.judge import Sample
from bench.check.judge_time import ms
from bench.check.shapes import problem_of, refusal_problem
from bench.check.subject import Subject, rise
from bench.check.verdicts import Failed, settle
from services.common import contract, models

LEAVERS: Final = 3
LEFT_HOLD_MS: Final = 250


async def query_proper(subject: Subject) -> str:
    """`/api/query-proper` takes one connection, holds as long, and gives it back, as `/api/query` does."""
    before = await subject.pool_of(2, hold_ms=30)
    looks, samples = [before], []
    for path in (contract.QUERY, contract.QUERY_PROPER):
        samples.append(await subject.sample(path, asked_ms=30))
        samples.append(await subject.sample(path, 45))
        looks.append(await subject.at_rest())
    plain, proper = [_counted(rise(*pair)) for pair in pairwise(looks)]
    problems = [
        f"{name} rose by {plain[name]:g} with query and {proper[name]:g} with query-proper"
        for name in plain
        if plain[name] != proper[name]
    ]
    problems += [
        f"{one} held {ms(one.work_s)} of {ms(one.asked_s or 0)}" for one in samples if one.work_s < (one.asked_s or 0)
    ]
    return settle(problems, f"held {ms(samples[1].work_s)} and {ms(samples[3].work_s)} of 45 ms, counts alike")


async def nested(subject: Subject) -> str:
    """A second connection is taken while the first is held, and both come back."""
    before = await subject.pool_of(2)
    answer = await subject.client.get(f"{contract.NESTED}?hold_ms=20")
    if problem := problem_of(answer, 200, models.ServedNested):
        raise Failed(problem)
    grew = rise(before, await subject.at_rest())
    problems = [
        f"{name} rose by {grew[name]:g}, not 2" for name in ("acquired_total", "released_total") if grew[name] != 2
    ]
    return settle(problems, f"2 acquired and released in {ms(answer.seconds)}")


async def nested_exhausted(subject: Subject) -> str:
    """Where only one is left, the second acquire is 503 with `stage`, and the first is given back."""
    before = await subject.pool_of(1, timeout_s=ACQUIRE_TIMEOUT_S)
    async with held(subject, subject.most(1) - 1, SURELY_HELD_MS) as others:
        answer = await subject.client.get(contract.NESTED)
    if problem := refusal_problem(answer):
        raise Failed(problem)
    grew = rise(before, await subject.at_rest())
    detail = answer.json()["detail"]
    problems = []
    if detail["stage"] != "nested_acquire" or detail["error"] != "pool_exhausted":
        problems.append(f"stage {detail['stage']}, error {detail['error']}, not nested_acquire and pool_exhausted")
    if answer.seconds < ACQUIRE_TIMEOUT_S:
        problems.append(f"gave up after {ms(answer.seconds)} of {ms(ACQUIRE_TIMEOUT_S)}")
    both = 1 + len(others)
    problems += apart(grew, acquired_total=both, released_total=both, timed_out_total=1, pool_used_size=0)
    return settle(problems, f"503 at nested_acquire after {ms(answer.seconds)}, the first one came back")


async def leaving_client(subject: Subject) -> str:
    """A client that leaves while it waits is counted until its handler ends, and nothing of it remains."""
    before = await subject.pool_of(2, hold_ms=20)
    gone = asyncio.Event()
    full = subject.most(2)
    async with held(subject, full, LEFT_HOLD_MS) as holders:
        left = [asyncio.create_task(subject.client.leave(contract.QUERY, gone)) for _ in range(LEAVERS)]
        waited = (await subject.until(lambda now: now["waiting_requests"] >= LEAVERS, FULL_S))["waiting_requests"]
        gone.set()
        await together(left)
        looks = [await subject.poll() for _ in range(3)]
    await subject.until(lambda now: _ended(rise(before, now)) >= full + LEAVERS, SURELY_HELD_MS / 1000)
    grew = rise(before, await subject.at_rest())
    acquired, ended = int(grew["acquired_total"]), _ended(grew)
    problems = apart(grew, waiting_requests=0, pool_used_size=0, released_total=acquired)
    if ended != full + LEAVERS:
        problems.append(f"{full + LEAVERS} asked, and {ended:g} acquired, timed out or failed")
    went_on = min(waited, acquired - full)
    surely_held = min(one.sent for one in _results(holders)) + LEFT_HOLD_MS / 1000
    still = [look.waiting for look in looks if look.received < surely_held]
    if still and min(still) < went_on:
        problems.append(f"waiting_requests fell to {min(still)} while {went_on} handlers of theirs still waited")
    return settle(problems, f"{LEAVERS} left, {acquired - full} of their handlers went on, nothing remains")


async def leak_kept(subject: Subject) -> str:
    """Leaked connections that are kept stay used until `/admin/leaks/release` gives them back."""
    full = subject.most(subject.size)
    before = await subject.pool_of(subject.size, timeout_s=ACQUIRE_TIMEOUT_S, hold_ms=20)
    leaked = await together(subject.client.get(f"{contract.QUERY_LEAK}?how=kept") for _ in range(full))
    problems = [problem for one in leaked if (problem := problem_of(one, 200, models.Leaked))]
    problems += apart(rise(before, await subject.stats()), leaked_total=full, pool_used_size=full, released_total=0)
    starved = await subject.sample(contract.QUERY)
    if starved.status != 503 or starved.error != "pool_exhausted":
        problems.append(
            f"all {full} are leaked, and {starved} {starved.error or ''}: they are not to come back by themselves"
        )
    problems += await _released(subject, full)
    problems += apart(rise(before, await subject.stats()), pool_used_size=0, released_total=full)
    served = await subject.sample(contract.QUERY)
    if served.status != 200:
        problems.append(f"all were given back, and {served}")
    problems += await _released(subject, 0)
    fine = f"{full} leaked{subject.beside}, the next timed out after {ms(starved.seconds)}, {full} released"
    return settle(problems, fine)


async def leak_dropped(subject: Subject) -> str:
    """A leaked connection without a reference is still counted as used: no handler gave it back."""
    before = await subject.pool_of(subject.size, hold_ms=20)
    answer = await subject.client.get(f"{contract.QUERY_LEAK}?how=dropped")
    problem = problem_of(answer, 200, models.Leaked)
    problems = apart(rise(before, await subject.stats()), leaked_total=1, pool_used_size=1, released_total=0)
    problems += await _released(subject, 0)
    return settle([problem] if problem else problems, f"1 leaked{subject.beside}, none to give back")


async def leak_exception(subject: Subject) -> str:
    """A handler that fails with its connection is 500 with a JSON detail, and leaks; a new pool heals it."""
    before = await subject.stats()
    answer = await subject.client.get(f"{contract.QUERY_LEAK}?how=exception")
    problems = apart(rise(before, await subject.stats()), leaked_total=1, pool_used_size=1, released_total=0)
    if problem := problem_of(answer, 500, models.Error):
        problems.append(problem)
    size = subject.size + 1
    await subject.configure(pool_min_size=size, pool_max_size=size, pool_acquire_timeout=ACQUIRE_TIMEOUT_S)
    async with held(subject, size, SURELY_HELD_MS) as holders:
        pass
    problems += [
        f"{one}: a new pool of {size} has not {size} connections" for one in _results(holders) if one.status != 200
    ]
    return settle(problems, f"500 and leaked{subject.beside}; a new pool of {size} holds {size} at once")


async def _released(subject: Subject, count: int) -> list[str]:
    answer = await subject.post(contract.RELEASE_LEAKS)
    if problem := problem_of(answer, 200, models.Released):
        return [problem]
    given = answer.json()["released"]
    return [] if given == count else [f"{answer}: released {given}, not {count}"]


def apart(grew: dict[str, float], **expected: int) -> list[str]:
    """Where a count did not rise by what it should, a line each."""
    return [f"{name} rose by {grew[name]:g}, not {count}" for name, count in expected.items() if grew[name] != count]


def _counted(grew: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in grew.items() if not name.endswith("seconds_total")}


def _ended(grew: dict[str, float]) -> float:
    return grew["acquired_total"] + grew["timed_out_total"] + grew["failed_total"]


def _results(holders: list[asyncio.Task[Sample]]) -> list[Sample]:
    return [holder.result() for holder in holders]
