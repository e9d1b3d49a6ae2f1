"""What arithmetic says of a load on a FIFO pool that costs nothing."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from bench.analysis.statistics import rank_of
from bench.metrics.quantiles import QUANTILES
from bench.record.schema import Busy, Forecast
from services.workload.loads import Burst, Closed, Load, Open, Sequential, Stage

LEAST_BATCHES: Final = 5
"""With fewer full batches, how late a single one was is too large a part of the slope over them."""


def arithmetic(load: Load, c: int, hold_s: float, patience_s: float) -> Forecast:
    """What `load` leads to on c connections, each held for `hold_s`; None for what is not arithmetic.

    The one law: c connections held for h serve c requests every h, so a request with k batches before it waits k·h,
    and one that would wait longer than the acquire timeout T is rejected after T.
    """
    match load:
        case Sequential(requests=n):
            # No request ever meets another: one batch after another, of one.
            return replace(_burst(n, n, hold_s, patience_s), wall_s=n * hold_s, goodput_per_s=1 / hold_s, busy=None)
        case Burst(requests=n):
            return _burst(n, c, hold_s, patience_s)
        case Closed():
            return _closed(load, c, hold_s, patience_s)
        case Open():
            return _open(load, c, hold_s, patience_s)


def _burst(n: int, c: int, hold_s: float, patience_s: float) -> Forecast:
    """Batches start at 0, h, 2h …; those that start before the patience is over are served. The last of them ends
    after the patience, and so after the last request that is rejected."""
    served = min(n, c * _ceil(patience_s / hold_s))
    full = served - served % c
    wall_s = math.ceil(served / c) * hold_s
    waits_ms = {name: round((rank_of(q, served) - 1) // c * hold_s * 1000, 3) for name, q in QUANTILES.items()}
    return Forecast(
        served=served,
        timed_out=n - served,
        wall_s=wall_s,
        busy=Busy(served=full) if full >= LEAST_BATCHES * c else None,
        goodput_per_s=served / wall_s,
        acquire_ms_p50=waits_ms["p50"],
        acquire_ms_p95=waits_ms["p95"],
        acquire_ms_p99=waits_ms["p99"],
        acquire_ms_max=waits_ms["max"],
        waiting_peak=max(0, n - c),
        drain_s=wall_s,
    )


def _closed(load: Closed, c: int, hold_s: float, patience_s: float) -> Forecast:
    """No request times out if even the most users queue for less than the patience.

    All connections are busy while the users, if none waited, would keep 2·c of them busy; a hold later,
    completions tell of nothing else.
    """
    most = max(stage.users for stage in load.stages)
    longest_wait_s = (math.ceil(most / c) - 1) * hold_s
    window = _longest_above(load.stages, 2 * c * (1 + load.think_s / hold_s))
    busy = None
    if window is not None and window[1] - window[0] >= 3 * hold_s:
        busy = Busy(from_s=window[0] + hold_s, to_s=window[1])
    whole_s = math.fsum(stage.seconds for stage in load.stages)
    return Forecast(
        timed_out=0 if longest_wait_s < patience_s else None,
        wall_s=whole_s + _drain_s(load.stages, c, hold_s),
        busy=busy,
    )


def _drain_s(stages: Sequence[Stage], c: int, hold_s: float) -> float:
    """How long after the last stage the last answer comes.

    While u users leave evenly over s seconds, those that remain send again: of the c/h answers a second, the
    share of those that left grows from 0 to 1. So u − c·s/(2h) requests are left in flight at the end.
    """
    users = stages[-1].users
    if users == 0 and len(stages) > 1:
        users = stages[-2].users - math.floor(c * stages[-1].seconds / (2 * hold_s))
    return max(1, math.ceil(users / c)) * hold_s


def _longest_above(stages: Sequence[Stage], least: float) -> tuple[float, float] | None:
    """The longest time, from when to when in seconds, in which the ramp has at least `least` users."""
    corners = [(0.0, 0)]
    for stage in stages:
        corners.append((corners[-1][0] + stage.seconds, stage.users))
    windows: list[tuple[float, float]] = []
    for (began, before), (ended, after) in pairwise(corners):
        if max(before, after) < least:
            continue
        crossing = ended if before == after else began + (ended - began) * (least - before) / (after - before)
        start, end = (began if before >= least else crossing), (ended if after >= least else crossing)
        if windows and windows[-1][1] == start:
            start = windows.pop()[0]
        windows.append((start, end))
    return max(windows, key=lambda window: window[1] - window[0], default=None)


def _open(load: Open, c: int, hold_s: float, patience_s: float) -> Forecast:
    """The fluid limit. Below ρ = 1 only evenly spaced arrivals are certain to be served; above it the wait
    grows by ρ − 1 every second, and once it is as long as the patience, one in ρ is served."""
    rho = load.rate_per_s * hold_s / c
    sent = _ceil(load.rate_per_s * load.seconds)
    if rho <= 1:
        # Which ones of a Poisson stream meet a full pool is for a simulation to say.
        if load.arrivals == "poisson":
            return Forecast()
        return Forecast(served=sent, timed_out=0, wall_s=(sent - 1) / load.rate_per_s + hold_s)
    full_s = min(load.seconds, patience_s / (rho - 1))
    served = min(sent, round(load.rate_per_s * full_s + load.rate_per_s / rho * (load.seconds - full_s)))
    # A queue of c behind c busy connections, and a hold more until completions tell of nothing else.
    from_s = hold_s + c / (load.rate_per_s * (1 - 1 / rho))
    return Forecast(
        served=served,
        timed_out=sent - served,
        wall_s=load.seconds + full_s * (rho - 1) + hold_s,
        busy=Busy(from_s=from_s, to_s=load.seconds) if load.seconds - from_s >= 2 * hold_s else None,
    )


def _ceil(value: float) -> int:
    """⌈value⌉, where what floats add to a whole number does not make it the next one."""
    return math.ceil(round(value, 9))
