"""A load that was played to its last answer, by the load generator or without HTTP."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from bench.analysis.statistics import quantile
from bench.record.columns import read_requests
from services.workload.loads import Burst, Open
from services.workload.samples import REQUESTS
from services.workload.wire import Job


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
    def requests(self) -> pl.DataFrame:
        """Every request, in the columns of `read_requests`; read at the first call, while the job's directory is there.

        Raises SamplesLost.
        """
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
        if not isinstance(self.job.workload.load, Open):
            return None
        late_us = quantile((self.requests["sent_us"] - self.requests["planned_us"]).sort().to_list(), 0.99)
        return None if late_us is None else late_us / 1e3
