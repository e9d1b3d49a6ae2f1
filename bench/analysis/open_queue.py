"""Open load on a FIFO pool that costs nothing, simulated by ciw."""

import math
import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from bench.analysis.visit import Visit


def open_visits(
    arrivals_s: Sequence[float], c: int, service_s: Callable[[], float], patience_s: float = math.inf
) -> list[Visit]:
    """A visit for each of the arrivals (ascending), in their order. `service_s` draws a service time.

    c servers, first come, first served, the hold as service time, the patience as reneging.
    """
    if not arrivals_s:
        return []
    import ciw  # half a second

    class Service(ciw.dists.Distribution):  # type: ignore[misc] # ciw is not typed
        def sample(self, t: float | None = None, ind: Any = None) -> float:  # noqa: ARG002 - ciw's signature
            return service_s()

    reneging = {} if math.isinf(patience_s) else {"reneging_time_distributions": [ciw.dists.Deterministic(patience_s)]}
    gaps = [arrivals_s[0], *(after - before for before, after in pairwise(arrivals_s)), math.inf]
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential(gaps)],
        service_distributions=[Service()],
        number_of_servers=[c],
        **reneging,
    )
    state = random.getstate()
    try:
        random.seed(0)  # ciw draws which of two events at one moment comes first
        simulation = ciw.Simulation(network)
        simulation.simulate_until_max_customers(len(arrivals_s), method="Finish")
    finally:
        random.setstate(state)
    records = sorted(simulation.get_all_records(), key=lambda record: record.id_number)
    return [
        Visit(
            record.arrival_date,
            record.waiting_time,
            record.service_time if record.record_type == "service" else None,
        )
        for record in records
    ]
