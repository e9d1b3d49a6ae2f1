"""What arithmetic cannot say of a FIFO pool that costs nothing, simulated."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

from bench.analysis.closed_queue import closed_visits
from bench.analysis.open_queue import open_visits
from bench.analysis.statistics import quantile
from bench.analysis.visit import Visit
from bench.metrics.quantiles import QUANTILES
from bench.record.schema import Forecast
from services.workload.arrivals import planned_times
from services.workload.loads import Closed, Open


@lru_cache(maxsize=1024)
def simulated(load: Open | Closed, c: int, hold_s: float, patience_s: float, seed: int) -> Forecast:
    """What follows from a simulation of the load; closed load is the same whatever the seed."""
    if isinstance(load, Closed):
        return foretold(closed_visits(load, c, hold_s, patience_s))
    return foretold(open_visits(planned_times(load, seed), c, lambda: hold_s, patience_s))


def foretold(visits: Sequence[Visit]) -> Forecast:
    """The counts, rates, waits and times of a `Forecast`; of no visits nothing but their number."""
    if not visits:
        return Forecast(served=0, timed_out=0)
    waits_ms = sorted(visit.waited_s * 1000 for visit in visits if visit.held_s is not None)
    served = len(waits_ms)
    first_s, last_s = visits[0].asked_s, max(visit.asked_s for visit in visits)
    ended_s = max(visit.ended_s for visit in visits)
    wall_s = ended_s - first_s
    told: dict[str, float | None] = {}
    for name, q in QUANTILES.items():
        wait_ms = quantile(waits_ms, q) if waits_ms else None
        told[f"acquire_ms_{name}"] = None if wait_ms is None else round(wait_ms, 3)
    return Forecast(
        served=served,
        timed_out=len(visits) - served,
        wall_s=round(wall_s, 6),
        goodput_per_s=round(served / wall_s, 6),
        waiting_peak=_peak(visits),
        drain_s=round(ended_s - last_s, 6),
        acquire_ms_p50=told["acquire_ms_p50"],
        acquire_ms_p95=told["acquire_ms_p95"],
        acquire_ms_p99=told["acquire_ms_p99"],
        acquire_ms_max=told["acquire_ms_max"],
    )


def _peak(visits: Sequence[Visit]) -> int:
    """The most who wait at a time; who comes when another leaves does not meet them."""
    waiting = [visit for visit in visits if visit.waited_s > 0]
    steps = [(visit.asked_s, 1) for visit in waiting] + [(visit.asked_s + visit.waited_s, -1) for visit in waiting]
    return max(accumulate((change for _, change in sorted(steps)), initial=0))
