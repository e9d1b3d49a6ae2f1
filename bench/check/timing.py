"""Checks that waits and holds last as long as they should, and are reported as long as they last."""

from bench.check import judge_time
from bench.check.experiments import ACQUIRE_TIMEOUT_S, of_exhaustion, shown_burst, shown_exhaustion
from bench.check.subject import Subject


async def hold_never_short(subject: Subject) -> str:
    """`timing.work_time_ms` is at least the hold that is configured, or that `hold_ms` asks for."""
    served = await subject.once("burst", shown_burst)
    return judge_time.never_short(served.samples)


async def timeout_never_early(subject: Subject) -> str:
    """No request gives up before `pool_acquire_timeout`."""
    seen = await subject.once("exhaustion", shown_exhaustion)
    return judge_time.never_early(seen.samples, ACQUIRE_TIMEOUT_S)


async def timeout_not_late(subject: Subject) -> str:
    """No request waits longer than `pool_acquire_timeout`, a tenth, and what noop is late at that moment."""
    return await of_exhaustion(
        subject, lambda seen: judge_time.not_late(seen.samples, ACQUIRE_TIMEOUT_S, seen.beside.probes)
    )


async def waits_are_told(subject: Subject) -> str:
    """What a request spends inside the service is told as acquire, work or release."""
    served = await subject.once("burst", shown_burst)
    refused = await subject.once("exhaustion", shown_exhaustion)
    return judge_time.told(served.samples + refused.samples, served.beside.probes + refused.beside.probes)


async def times_fit(subject: Subject) -> str:
    """No answer so far tells of more time than the client's own clock saw."""
    return judge_time.coherent(subject.client.answers)
