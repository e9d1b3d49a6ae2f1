"""The rows of a run's Parquet files: requests, and samples of the pool."""

from typing import Final, NamedTuple

Key = tuple[str, str, int]
"""Which cell: its scenario, service and repetition."""
KEY: Final = ("scenario", "service", "repetition")
"""The columns of a cell's key."""
REQUEST_COLUMNS: Final = {
    "scenario": "str", "service": "str", "repetition": "int", "n": "int", "user": "int", "path": "str",
    "planned_us": "int", "sent_us": "int", "finished_us": "int", "status": "int", "error": "str",
    "acquire_us": "int", "work_us": "int", "release_us": "int", "app_us": "int",
}  # fmt: skip
"""`requests.parquet`, one row a request; whole microseconds from the start of the cell's load.

`planned_us` is null where there is no plan (sequential, closed); `status` 0 is no answer; the last four are
null where the answer did not say.
"""

POOL_COLUMNS: Final = {
    "scenario": "str", "service": "str", "repetition": "int", "t_us": "int",
    "size": "int", "free": "int", "used": "int", "waiting": "int", "connecting": "int",
    "backends": "int", "backends_active": "int", "backends_idle_in_transaction": "int",
    "cpu_generator_s": "float", "cpu_service_s": "float", "cpu_postgres_s": "float", "cpu_harness_s": "float",
    "cpu_busy_s": "float",
}  # fmt: skip
"""`pool.parquet`, one row a sample: said by the library, counted by the service, said by PostgreSQL, and the
CPU seconds of each part since its process began (`cpu_busy_s`: of the whole machine since boot)."""


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
