"""How far a cell came out from its own forecast: measured less forecast, which is a metric like any other."""

import math
from collections.abc import Mapping
from typing import Final

from bench.analysis.forecast import expected
from bench.metrics.model import Metrics
from bench.metrics.quantiles import QUANTILES, name_of
from bench.record.schema import Cell

SHARES: Final = {"goodput_per_s": "residual_goodput_percent", "wall_s": "residual_wall_percent"}
"""Those whose distance is told in percent of the forecast: rates and times that scale with the load."""
DIFFERENCES: Final = {
    "ok": "residual_ok",
    "timed_out": "residual_timed_out",
    "waiting_peak": "residual_waiting_peak",
    **{
        name_of("acquire", quantile, "served"): f"residual_{name_of('acquire', quantile, 'served')}"
        for quantile in QUANTILES
    },
}
"""Those whose distance is told in their own unit: a wait may be forecast to be 0."""


def residuals(cell: Cell, metrics: Mapping[str, float | None]) -> Metrics:
    """Always under the same names; None is what was not forecast, or not measured."""
    said = expected(cell)
    found = {new: _distance(metrics.get(name), said.get(name)) for name, new in DIFFERENCES.items()}
    for name, new in SHARES.items():
        distance = _distance(metrics.get(name), said.get(name))
        found[new] = distance / said[name] * 100 if distance is not None and said[name] else None
    return found


def _distance(measured: float | None, foretold: float | None) -> float | None:
    if measured is None or foretold is None or math.isinf(foretold):
        return None
    return measured - foretold
