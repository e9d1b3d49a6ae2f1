"""Checks a request that takes a connection several times: one after another, and none of them kept meanwhile."""

import asyncio
from typing import Final

from bench.check.client import Answer, together
from bench.check.experiments import ACQUIRE_TIMEOUT_S, FULL_S, SURELY_HELD_MS, held
from bench.check.judge_time import ms
from bench.check.leaks import apart
from bench.check.shapes import problem_of, refusal_problem
from bench.check.subject import Subject, rise
from bench.check.verdicts import Failed, settle
from services.common import contract, models

FIRST_HOLDS_MS: Final = (250, 750, 1500)
"""As long as it takes to make another pool, and to take all of it: on a machine with room, a busy and a busier one."""


async def several(subject: Subject) -> str:
    """Connections are taken one after another, each given back before the next: a pool of one is enough."""
    before = await subject.pool_of(1, timeout_s=ACQUIRE_TIMEOUT_S)
    problems = []
    for asked, times in (("", contract.TIMES), ("times=3&", 3)):
        answer = await subject.client.get(f"{contract.SEVERAL}?{asked}hold_ms=20")
        if problem := problem_of(answer, 200, models.ServedSeveral):
            raise Failed(problem)
        body, after = answer.json(), await subject.at_rest()
        problems += apart(rise(before, after), acquired_total=times, released_total=times, pool_used_size=0)
        told, before = body["timing"], after
        if body["checkouts"] != times:
            problems.append(f"checkouts is {body['checkouts']}, not {times}")
        if told["work_time_ms"] < 20 * times:
            problems.append(f"held {told['work_time_ms']} ms in all, not {times} times 20")
        if not told["acquire_time_ms"] / times - 0.002 <= body["longest_acquire_ms"] <= told["acquire_time_ms"] + 0.002:
            problems.append(
                f"longest_acquire_ms is {body['longest_acquire_ms']}, all {times} waits are {told['acquire_time_ms']}"
            )
    return settle(problems, f"{contract.TIMES} and 3 checkouts on one connection, one after another")


async def several_exhausted(subject: Subject) -> str:
    """Where the second checkout finds all taken, it is 503 with its `stage`, and nothing is held between.

    Meanwhile there is a pool of another size, and others have taken all of it: no library can let the request
    barge in. A machine that is too busy for that within one hold lets the second checkout through, so that another one
    is rejected, or none; so whatever went wrong is asked again, twice, with a longer hold.
    """
    for hold_ms in FIRST_HOLDS_MS:
        answer, problems = await _exhausted_between(subject, hold_ms)
        if not problems:
            break
    return settle(problems, f"503 after {ms(answer.seconds)}, and nothing was held")


async def _exhausted_between(subject: Subject, hold_ms: int) -> tuple[Answer, list[str]]:
    """The answer to a request whose second checkout was to find all taken, and what is wrong with it."""
    before = await subject.pool_of(1, timeout_s=ACQUIRE_TIMEOUT_S)
    asking = asyncio.create_task(subject.client.get(f"{contract.SEVERAL}?times=3&hold_ms={hold_ms}"))
    try:
        await subject.until(lambda now: now["pool_used_size"] >= 1, FULL_S)
        await subject.configure(pool_min_size=2, pool_max_size=2)
        async with held(subject, subject.most(2), hold_ms + SURELY_HELD_MS) as others:
            pass
    finally:
        (answer,) = await together([asking])
    if problem := refusal_problem(answer):
        return answer, [problem]
    detail, both = answer.json()["detail"], 1 + len(others)
    problems = []
    if detail["stage"] != "checkout 2" or detail["error"] != "pool_exhausted":
        problems.append(f"stage {detail['stage']}, error {detail['error']}, not checkout 2 and pool_exhausted")
    if not ACQUIRE_TIMEOUT_S <= detail["waited_seconds"] < ACQUIRE_TIMEOUT_S + hold_ms / 1000:
        problems.append(f"waited_seconds {detail['waited_seconds']} is not that of the checkout alone")
    grew = rise(before, await subject.at_rest())
    problems += apart(grew, acquired_total=both, released_total=both, timed_out_total=1, pool_used_size=0)
    return answer, problems
