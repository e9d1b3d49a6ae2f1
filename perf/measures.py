"""What several sections measure alike."""

import polars as pl

from bench.analysis.statistics import slope


def rate_per_s(frame: pl.DataFrame, from_s: float, to_s: float) -> float:
    """Completions a second, by the slope of their running count over their times."""
    finished_s = pl.col("finished_us") / 1e6
    served = frame.filter((pl.col("status") == 200) & finished_s.is_between(from_s, to_s))
    return slope(served.select(finished_s).to_series().to_list()) or 0.0
