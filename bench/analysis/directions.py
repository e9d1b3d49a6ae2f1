"""Which way is better, metric by metric, and which metrics may lie beyond the end of a load.

In: the names of metrics. Out: facts about them.
"""

import math
from typing import Final

HIGHER: Final = frozenset(
    {"ok", "share_served", "goodput_per_s", "efficiency", "efficiency_of_hold", "jain", "jain_index"}
)
"""More is better."""
LOWER: Final = frozenset(
    {
        "timed_out", "failed", "recovered_s", "served_again_s", "backends_again_s", "wall_s", "queue_ms_p50",
        "app_cpu_ms_per_request", "app_rss_mb",
        "waiting_peak", "used_last", "backends_last", "order_inversions", "inversions",
    }
)  # fmt: skip
"""Less is better, as in all that is called a wait or a latency."""
WAITS: Final = ("latency_ms_", "latency_uncorrected_ms_", "acquire_ms_")
"""How long the served waited says nothing where fewer were served."""
NEVER: Final = ("first_timeout_s", "recovered_s", "served_again_s", "backends_again_s")


def higher_is_better(metric: str) -> bool | None:
    """None where nobody has said."""
    if metric in HIGHER:
        return True
    return False if metric in LOWER or metric.startswith(WAITS) else None


def measured(metric: str, value: float | None) -> float | None:
    """A metric's value; `math.inf` where None means that it lay beyond the load's end."""
    beyond = metric.endswith("_all") or metric in NEVER
    return math.inf if value is None and beyond else value
