"""A load that was played to its last answer, by the load generator or without HTTP."""

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from services.workload.loads import Burst, Open
from services.workload.samples import REQUESTS
from services.workload.wire import Job

if TYPE_CHECKING:
    import polars as pl


class SamplesLost(RuntimeError):
    """A load of which not every request is in the samples."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """When it was, its requests, and how well it kept its plan."""

    job: Job
    t0: float
    """CLOCK_MONOTONIC, seconds: where all times of the requests count from."""
    sent: int
    generator_cpu_s: float
    """User and system, from t0 to the last answer; 0 where no process of its own generates the load."""

    @cached_property
    def requests(self) -> "pl.DataFrame":
        """Every request, in the columns of `read_requests`; read at the first call, while the job's directory is there.

        Raises SamplesLost.
        """
        from bench.record.columns import read_requests  # polars costs what not every command should pay

        found = read_requests(Path(self.job.out) / REQUESTS, self.job.workload.mix)
        if found.height != self.sent:
            raise SamplesLost(f"{self.sent} requests were sent, and {found.height} are in the samples")
        return found

    @property
    def load_s(self) -> float:
        """From t0 to the last answer."""
        last = self.requests["finished_us"].max()
        return last / 1e6 if isinstance(last, int) else 0.0

    @property
    def skew_ms(self) -> float | None:
        """Burst: from the first send to the last."""
        if not isinstance(self.job.workload.load, Burst):
            return None
        sent = self.requests["sent_us"].to_list()
        return (max(sent) - min(sent)) / 1e3 if sent else None

    @property
    def lateness_ms_p99(self) -> float | None:
        """Open: the 99th percentile (nearest rank) of the time from planned to sent."""
        if not isinstance(self.job.workload.load, Open) or self.requests.is_empty():
            return None
        late = sorted((self.requests["sent_us"] - self.requests["planned_us"]).to_list())
        return float(late[math.ceil(len(late) * 0.99) - 1]) / 1e3
