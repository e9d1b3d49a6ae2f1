"""What several sections measure alike."""

import polars as pl

from bench.analysis.statistics import slope


def rate_per_s(frame: pl.DataFrame, from_s: float, to_s: float) -> float:
    """Completions a second, by the slope of their running count over their times."""
    served = frame.filter((pl.col("status") == 200) & pl.col("finished_s").is_between(from_s, to_s))
    return slope(served["finished_s"].to_list()) or 0.0
