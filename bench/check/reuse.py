"""Checks that a connection that was given back serves the next request as if nothing had been.

Over HTTP it shows only where it breaks the next request: in a transaction that failed, or in the middle of a statement.
A transaction that is just open, locks and temporary tables are seen by the audit, in PostgreSQL.
"""

import asyncio
from typing import Final

from bench.check.client import together
from bench.check.experiments import ACQUIRE_TIMEOUT_S, FULL_S, KEPT
from bench.check.subject import PATIENT_S, Subject, cause
from bench.check.verdicts import settle
from services.common import contract

LEFT_HOLD_MS: Final = 120
"""As long as it takes to hand out a small pool, and to leave it."""
LEFT_KINDS: Final = ("query", "sleep")
"""In the middle of a statement, and between two of them."""
SIZE: Final = 2


async def connections_reused(subject: Subject) -> str:
    """Every connection serves the next request, after its client left in mid-hold, and after a nested timeout."""
    full = subject.most(SIZE)
    await subject.pool_of(SIZE)
    problems, left = [], 0
    for kind in LEFT_KINDS:
        await subject.configure(work_kind=kind)
        left += await _leave(subject, full)
        problems += await _next(subject, full, f"a client left in the middle of work_kind {kind}")
    refused = await _refuse(subject, full)
    problems += await _next(subject, full, "a second acquire timed out")
    return settle(problems, f"{full} connections served again, after {left} clients left and {refused} timed out")


async def _leave(subject: Subject, full: int) -> int:
    """Takes all connections and leaves in mid-hold; how many were taken."""
    gone = asyncio.Event()
    target = f"{contract.QUERY}?hold_ms={LEFT_HOLD_MS}"
    left = [asyncio.create_task(subject.client.leave(target, gone)) for _ in range(full)]
    try:
        now = await subject.until(lambda now: now["pool_used_size"] >= full, FULL_S)
    finally:
        gone.set()
        await together(left)
    return int(now["pool_used_size"])


async def _refuse(subject: Subject, full: int) -> int:
    """Has a request time out that holds the last connection, while all others are leaked; how many did."""
    await subject.configure(work_kind="sleep", pool_acquire_timeout=ACQUIRE_TIMEOUT_S)
    try:
        await together(subject.client.get(KEPT) for _ in range(full - 1))
        refused = await subject.client.get(contract.NESTED)
    finally:
        await subject.post(contract.RELEASE_LEAKS)
    await subject.configure(pool_acquire_timeout=PATIENT_S)
    return int(refused.status == 503)


async def _next(subject: Subject, full: int, after: str) -> list[str]:
    """What is wrong with the requests that are handed these connections next, all of them at once and twice over."""
    await subject.at_rest()
    asked = [f"{path}?hold_ms=10" for path in (contract.QUERY, contract.QUERY_PROPER) * full]
    answers = await together(subject.client.get(target) for target in asked)
    return [f"after {after}, {one}: {cause(one)}" for one in answers if one.status != 200]
