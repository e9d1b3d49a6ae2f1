"""Makes every check in order, on a service that is thrown away afterwards: they leak, resize and exhaust its pool.

Not provoked from outside: `database_unavailable`, which needs a database that fails.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from time import monotonic
from typing import Final

from bench.check import config, leaks, metrics, pool, queue, refusals, reuse, several, shapes, timing
from bench.check.client import Client, NoAnswer
from bench.check.subject import Subject
from bench.check.verdicts import Failed, Report, Result, Skipped, Verdict
from bench.errors import UserError
from services.common import contract

Check = Callable[[Subject], Awaitable[str]]

READING: Final[tuple[Check, ...]] = (
    shapes.health,
    shapes.stats,
    shapes.configuration,
    shapes.openapi,
    metrics.metric_names,
    metrics.metric_conventions,
    metrics.metrics_from_zero,
    metrics.metrics_on_request,
    shapes.queries,
    shapes.rows,
    refusals.unknown_paths,
    refusals.wrong_methods,
    refusals.malformed_queries,
    refusals.foreign_origins,
    refusals.several_workers,
)
"""These change nothing, and hold of every worker process alike."""

CHANGING: Final[tuple[Check, ...]] = (
    pool.at_rest,
    refusals.malformed_configurations,
    config.any_content_type,
    config.round_trip,
    pool.capacity,
    pool.burst_served,
    timing.hold_never_short,
    pool.refusals,
    timing.timeout_never_early,
    timing.timeout_not_late,
    timing.waits_are_told,
    pool.waiting_count,
    pool.counts,
    pool.integrals,
    metrics.metrics_equal_stats,
    metrics.metrics_count_failures,
    pool.health_while_exhausted,
    pool.noop_without_pool,
    config.settings_apply,
    config.work_kinds,
    pool.growing,
    pool.resize_under_load,
    leaks.query_proper,
    leaks.nested,
    leaks.nested_exhausted,
    several.several,
    several.several_exhausted,
    leaks.leaving_client,
    reuse.connections_reused,
    queue.first_come_first_served,
    leaks.leak_kept,
    leaks.leak_dropped,
    leaks.leak_exception,
    config.restored,
)
"""These change the configuration and read one process's counts. What is leaked for good is leaked last."""

CLOSING: Final[tuple[Check, ...]] = (shapes.server_timing, timing.times_fit)
"""These look back on every answer."""


def name_of(check: Check) -> str:
    """A check is called as its function is."""
    return getattr(check, "__name__", "?").replace("_", "-")


def check(base_url: str, *, only: Collection[str] = (), on_progress: Callable[[str], None] | None = None) -> Report:
    """Makes every check of the service at `base_url`, in some seconds, or those called `only`.

    `on_progress` gets one line before each. A check that fails stops no other.
    Raises UserError where no service of this contract answers, or no check is called so.
    """
    order = (*READING, *CHANGING, *CLOSING)
    if unknown := set(only) - {name_of(one) for one in order}:
        known = ", ".join(name_of(one) for one in order)
        raise UserError(f"no check is called {', '.join(sorted(unknown))}: there are {known}")
    chosen = [one for one in order if not only or name_of(one) in only]
    return asyncio.run(_check(base_url, chosen, on_progress or (lambda _: None)))


async def _check(base_url: str, order: Sequence[Check], on_progress: Callable[[str], None]) -> Report:
    began = monotonic()
    client = Client(base_url)
    try:
        subject = await Subject.meet(client)
        results: list[Result] = []
        for number, one in enumerate(order, 1):
            on_progress(f"{number}/{len(order)} {name_of(one)}")
            results.append(await _made(one, subject))
            if results[-1].verdict == "failed" and not await _answers(client):
                why = f"the service answers no more, since {name_of(one)}"
                results += [Result(name_of(other), "skipped", why, 0.0) for other in order[number:]]
                break
    finally:
        await client.close()
    return Report(subject.service, tuple(results), monotonic() - began)


async def _answers(client: Client) -> bool:
    try:
        await client.get(contract.HEALTH)
    except NoAnswer:
        return False
    return True


async def _made(one: Check, subject: Subject) -> Result:
    """One check, whatever it ends in."""
    began = monotonic()
    verdict: Verdict
    try:
        if one in CHANGING and subject.workers > 1:
            raise Skipped(f"{subject.workers} worker processes: an answer tells of one of them")
        verdict, detail = "passed", await one(subject)
    except Skipped as reason:
        verdict, detail = "skipped", str(reason)
    except (Failed, NoAnswer) as problem:
        verdict, detail = "failed", str(problem)
    return Result(name_of(one), verdict, " ".join(detail.split()), monotonic() - began)
