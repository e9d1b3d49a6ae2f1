"""The rows of a run's Parquet files: requests, and samples of the pool. What each column is, `dictionary` says."""

from typing import Final, NamedTuple

from bench.record.dictionary import POOL, REQUESTS, Kind

Key = tuple[str, str, int]
"""Which cell: its scenario, service and repetition."""
KEY: Final = ("scenario", "service", "repetition")
"""The columns of a cell's key."""
REQUEST_COLUMNS: Final[dict[str, Kind]] = {name: column.kind for name, column in REQUESTS.columns.items()}
"""`requests.parquet`: one row a request, sorted by `n` within a cell."""
POOL_COLUMNS: Final[dict[str, Kind]] = {name: column.kind for name, column in POOL.columns.items()}
"""`pool.parquet`: one row a sample of the pool."""


class Row(NamedTuple):
    """One sample of the pool: `POOL_COLUMNS` without the cell's key; None is not said or not looked at."""

    t_us: int
    size: int | None = None
    free: int | None = None
    used: int | None = None
    waiting: int | None = None
    connecting: int | None = None
    backends: int | None = None
    backends_active: int | None = None
    backends_idle_in_transaction: int | None = None
    cpu_generator_s: float | None = None
    cpu_service_s: float | None = None
    cpu_postgres_s: float | None = None
    cpu_harness_s: float | None = None
    cpu_busy_s: float | None = None
