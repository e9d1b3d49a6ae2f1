"""Every metric of a cell, by name; adding one adds an entry in its group and its computation in `bench.analysis`."""

from typing import Final

from bench.metrics import cost, fairness, load, pool, quantiles, residuals
from bench.metrics.model import Metric

GROUPS: Final[dict[str, tuple[Metric, ...]]] = {
    "Requests": load.COUNTS,
    "Rates": load.RATES,
    "Waits and latency": quantiles.METRICS,
    "Moments and durations": load.TIMES,
    "Recovery": load.RECOVERY,
    "Order": fairness.ORDER,
    "Users": fairness.SHARES,
    "The pool in samples": pool.METRICS,
    "Cost": cost.COST,
    "Conditions": cost.CONDITIONS,
    "Measured less forecast": residuals.METRICS,
}
"""In the order in which they are told."""

METRICS: Final = {metric.name: metric for group in GROUPS.values() for metric in group}


def why_no_primary(name: str) -> str:
    """Why stacks cannot be compared by a metric of this name; "" where they can."""
    metric = METRICS.get(name)
    if metric is None:
        return f"{name} is no metric: take one of docs/metrics.md"
    if metric.better is None:
        return f"more {name} is neither better nor worse: compare stacks by a metric that has a better direction"
    return ""
