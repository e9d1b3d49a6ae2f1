"""What a scenario must do, before it runs: on a FIFO pool that costs nothing, by arithmetic or by simulation."""

import math
from dataclasses import replace

from bench.analysis.arithmetic import arithmetic
from bench.analysis.queueing import simulated
from bench.analysis.statistics import rank_of
from bench.metrics.quantiles import OF, QUANTILES, Of, name_of
from bench.record.schema import Cell, Forecast
from bench.scenarios.model import Asked
from services.common import contract
from services.workload.loads import Burst, Closed, Open, Sequential

NOTHING = Forecast()


def forecast(
    asked: Asked, capacity: int | None = None, *, seed: int | None = None, hold_ms: float | None = None
) -> Forecast:
    """What `asked` must lead to on a pool that hands out `capacity` connections (the scenario's own, if None), each
    held for `hold_ms` (as asked for, if None).

    Bursts and sequences are arithmetic. With a `seed` open and closed load are simulated; without one, only what
    arithmetic has to say of them is said, in no time. Nothing is said where the hold is not a time (work on the CPU,
    a lock), where something goes wrong meanwhile, or where requests of several kinds are mixed.
    """
    if unsaid(asked):
        return NOTHING
    c = capacity or asked.scenario.pool_size
    held_ms = asked.hold_ms if hold_ms is None else hold_ms
    hold_s = held_ms / 1000
    if _paths(asked) == {contract.NOOP}:
        # No connection is taken, so that no request is ever refused one.
        served = asked.load.requests if isinstance(asked.load, Burst | Sequential) else None
        return Forecast(served=served, timed_out=0)
    said = arithmetic(asked.load, c, hold_s, asked.acquire_timeout_s)
    if seed is not None and isinstance(asked.load, Open | Closed):
        said = replace(simulated(asked.load, c, hold_s, asked.acquire_timeout_s, seed), busy=said.busy)
    return said if said == NOTHING else replace(said, hold_ms=held_ms)


def unsaid(asked: Asked) -> str:
    """Why nothing can be said of `asked`, "" where something can."""
    if asked.scenario.faults:
        return "something goes wrong meanwhile"
    if _paths(asked) == {contract.NOOP}:
        return ""
    if not _paths(asked) <= {contract.QUERY, contract.QUERY_PROPER}:
        return "not every request takes one connection for one hold"
    if asked.scenario.work_kind not in ("sleep", "query"):
        return "the hold is work, and how long that takes depends on what else is at work"
    return ""


def expected(cell: Cell, said: Forecast | None = None) -> dict[str, float]:
    """The metrics that follow from a cell's forecast (or from another that is said of it), by name; `math.inf` for
    what will not be served.

    Those of single requests are known where all were sent together, or one after another; those of a simulation,
    where it was one.
    """
    said, together = said or cell.forecast, cell.load.kind == "burst"
    metrics: dict[str, float] = {}
    if said.busy is not None:
        metrics["efficiency"] = 1
    if said.wall_s is not None:
        metrics["wall_s"] = said.wall_s
    if said.served is not None:
        metrics["ok"] = said.served
        if said.goodput_per_s is not None:
            metrics["goodput_per_s"] = said.goodput_per_s
        elif said.wall_s:
            metrics["goodput_per_s"] = said.served / said.wall_s
    if said.timed_out is not None:
        metrics |= {"timed_out": said.timed_out, "failed": 0}
        if together or not said.timed_out:
            metrics["first_timeout_s"] = cell.acquire_timeout_s if said.timed_out else math.inf
    if said.wall_s is not None and (together or cell.load.kind == "sequential"):
        return metrics | _single(cell, said, together)
    return metrics | _simulated(cell, said)


def _paths(asked: Asked) -> set[str]:
    return {share.path for share in asked.mix}


def made_by(cell: Cell) -> str:
    """How a cell's forecast came about; "" where there is none."""
    if cell.forecast.acquire_ms_p50 is not None and cell.load.kind in ("open", "closed"):
        return "simulation"
    return "arithmetic" if expected(cell) else ""


def _simulated(cell: Cell, said: Forecast) -> dict[str, float]:
    """The queue of a simulation, and its waits. Where requests timed out, a quantile of all is known only where
    it falls on none that was served."""
    metrics: dict[str, float] = {}
    if said.waiting_peak is not None:
        metrics["waiting_peak"] = said.waiting_peak
    served, sent = said.served or 0, (said.served or 0) + (said.timed_out or 0)
    metrics |= _longest_wait(cell, said, said.acquire_ms_max)
    for name, q in QUANTILES.items():
        waited_ms = getattr(said, f"acquire_ms_{name}")
        if waited_ms is None:
            continue
        kinds: dict[Of, float] = {"served": waited_ms}
        if sent == served:
            kinds["all"] = waited_ms
        elif rank_of(q, sent) > served:
            kinds["all"] = math.inf
        for kind, value in kinds.items():
            metrics[name_of("acquire", name, kind)] = value
            metrics[name_of("latency", name, kind)] = value + (said.hold_ms or cell.hold_ms)
    return metrics


def _longest_wait(cell: Cell, said: Forecast, served_ms: float | None) -> dict[str, float]:
    """That of a request that was rejected, where there was one."""
    longest_ms = cell.acquire_timeout_s * 1000 if said.timed_out else served_ms
    return {} if longest_ms is None else {"longest_wait_ms": longest_ms}


def _single(cell: Cell, said: Forecast, together: bool) -> dict[str, float]:
    """Who waits how long, by rank."""
    served, sent = said.served or 0, (said.served or 0) + (said.timed_out or 0)
    c, hold_ms = cell.capacity if together else sent, said.hold_ms or cell.hold_ms
    metrics: dict[str, float] = {"waiting_peak": max(0, sent - c)}
    metrics |= _longest_wait(cell, said, (served - 1) // c * hold_ms)
    for name, q in QUANTILES.items():
        for kind, of in zip(OF, (served, sent), strict=True):
            rank = rank_of(q, of)
            waited_ms = (rank - 1) // c * hold_ms if rank <= served else math.inf
            metrics[name_of("acquire", name, kind)] = waited_ms
            metrics[name_of("latency", name, kind)] = waited_ms + hold_ms
    return metrics
