"""Whether a load can show what a scenario is named for, by arithmetic alone.

Each function says why it cannot, with the arithmetic and what to change; "" where it can. The seconds of a load are
holds of the profile, as are the scenario's own hold and acquire timeout.
"""

import math

from services.workload.loads import Burst, Closed, Load, Open


def why_none_times_out(load: Load, c: int, hold: float, acquire_timeout: float) -> str:
    """In a scenario about timeouts a request waits for longer than the acquire timeout."""
    match load:
        case Burst(requests=n):
            return _burst(n, c, acquire_timeout / hold)
        case Open():
            return _open(load, c, hold, acquire_timeout)
        case Closed():
            return _closed(load, c, hold, acquire_timeout)
        case _:
            return "requests in sequence never wait, so that none can time out: take another load"


def why_requests_wait(load: Load, c: int, hold: float) -> str:
    """A baseline is what a request costs when there is a connection for it."""
    match load:
        case Burst(requests=n) if n > c:
            return f"a burst of {n} on {c} connections has {n - c} waiting, which is no baseline: make it {c} or less"
        case Closed(stages=stages) if (most := max(stage.users for stage in stages)) > c:
            return f"{most} users on {c} connections may wait, which is no baseline: make them {c} or less"
        case Open(rate_per_s=rate) if (rho := rate * hold / c) >= 1:
            return f"{rate:g} × {hold:g} ÷ {c} is ρ = {rho:.3g}, a queue that grows, and no baseline: lower the rate"
        case _:
            return ""


def why_leaks_do_not_matter(load: Load, c: int, hold: float, leaked: int) -> str:
    """After its leaks, an open load has too few connections left."""
    left = max(0, c - leaked)
    if not isinstance(load, Open) or load.rate_per_s * hold > left:
        return ""
    return (
        f"{leaked} of {c} connections leak, and the {left} that are left serve {left / hold:g} a hold where "
        f"{load.rate_per_s:g} are asked for: leak more, or raise the rate"
    )


def why_a_freeze_does_not_matter(load: Load, c: int, holds: float, acquire_timeout: float) -> str:
    """A request that comes while the database is frozen takes a connection and keeps it, until all c are taken; one
    that comes then waits for the end of it, and longer than the acquire timeout."""
    if not isinstance(load, Open):
        return ""
    taken = c / load.rate_per_s
    if holds - taken > acquire_timeout:
        return ""
    return (
        f"frozen for {holds:g} holds, of which {c} connections last {taken:g} at {load.rate_per_s:g} a hold; a request "
        f"that waits then has an acquire timeout of {acquire_timeout:g}: freeze for more than "
        f"{taken + acquire_timeout:g}"
    )


def _burst(n: int, c: int, holds: float) -> str:
    served = c * math.ceil(round(holds, 9))
    if n <= served:
        return (
            f"{c} connections serve {served} requests in ⌈{holds:g}⌉ batches, so that a burst of {n} cannot time "
            "out: make it larger"
        )
    if abs(holds % 1 - 0.5) > 0.25:
        return f"an acquire timeout of {holds:g} holds lies on the boundary of a batch: make it k + ½"
    return ""


def _open(load: Open, c: int, hold: float, acquire_timeout: float) -> str:
    rho = load.rate_per_s * hold / c
    said = f"{load.rate_per_s:g} × {hold:g} ÷ {c} is ρ = {rho:.3g}"
    if rho <= 1:
        return f"{said}, so that no queue grows until it times out: raise the rate above {c / hold:g}"
    longest = (rho - 1) * load.seconds
    if longest > acquire_timeout:
        return ""
    return (
        f"{said}, so that the wait grows by {rho - 1:.3g} a hold and is {longest:.3g} after {load.seconds:g}, within "
        f"an acquire timeout of {acquire_timeout:g}: make it longer than {acquire_timeout / (rho - 1):.4g} holds"
    )


def _closed(load: Closed, c: int, hold: float, acquire_timeout: float) -> str:
    """Users who come one by one find a queue in which each of u has a turn once in u·h/c; users who come
    together are a burst."""
    most = max(stage.users for stage in load.stages)
    turn = most * hold / c
    if any(stage.seconds == 0 for stage in load.stages):
        longest, said = (math.ceil(most / c) - 1) * hold, f"(⌈{most} ÷ {c}⌉ − 1) × {hold:g}"
    else:
        longest = turn - hold - load.think_s
        said = f"{most} × {hold:g} ÷ {c} − {hold:g} − {load.think_s:g}"
    if longest > acquire_timeout:
        return ""
    return (
        f"{most} users on {c} connections wait for {said} = {max(0.0, longest):.4g} holds at the most, within an "
        f"acquire timeout of {acquire_timeout:g}: have more of them"
    )
