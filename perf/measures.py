"""What several sections measure alike: the settings, the load, and how a rate is read from its requests."""

from typing import Any, Final

import polars as pl

from bench.analysis.statistics import slope
from services.workload.loads import Closed, Stage

NO_HOLD: Final[dict[str, Any]] = {"pool_min_size": 20, "pool_max_size": 20, "work_time_ms": 0, "threads": 40}
CONNECTIONS: Final = 5
HOLD_MS: Final = 100
HOLDING: Final[dict[str, Any]] = {
    "pool_min_size": CONNECTIONS,
    "pool_max_size": CONNECTIONS,
    "work_time_ms": HOLD_MS,
    "pool_acquire_timeout": 30,
    "threads": 108,
}


def closed(users: int, seconds: float) -> Closed:
    """So many users at once, each of whom asks again after its answer."""
    return Closed(stages=(Stage(users=users, seconds=0), Stage(users=users, seconds=seconds)))


def rate_per_s(frame: pl.DataFrame, from_s: float, to_s: float) -> float:
    """Completions a second, by the slope of their running count over their times."""
    finished_s = pl.col("finished_us") / 1e6
    served = frame.filter((pl.col("status") == 200) & finished_s.is_between(from_s, to_s))
    return slope(served.select(finished_s).to_series().to_list()) or 0.0
