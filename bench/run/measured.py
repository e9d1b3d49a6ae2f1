"""A load that was played: its requests, and whose CPU time went by meanwhile.

In: meters read before and after, how the load was played, its requests. Out: the figures of a `Cell`.
"""

from dataclasses import dataclass
from time import monotonic, process_time, time
from typing import TYPE_CHECKING, Any, Final

import psutil

from bench.load.driver import Outcome
from bench.observe.sampler import cpu_seconds, machine_seconds
from bench.record.schema import POOL_COLUMNS, CpuSeconds, Row
from bench.targets.service import Service, Usage

if TYPE_CHECKING:
    import polars as pl

POSTGRES_CPU: Final = list(POOL_COLUMNS).index("cpu_postgres_s") - 3
"""Where it stands in a sampler's row, which has no key of the cell."""


@dataclass(frozen=True)
class Meter:
    """CPU seconds at one moment: of the service where it can be seen, of the generator, of this process, of the whole
    machine."""

    at: float
    service: Usage | None
    generator_s: float | None
    harness_s: float
    machine_s: float

    @classmethod
    def read(cls, service: Service, generator: psutil.Process | None) -> "Meter":
        """`generator` is None where the load is played inside the service's own process."""
        generator_s = cpu_seconds(generator) if generator else None
        return cls(monotonic(), service.usage(), generator_s, process_time(), machine_seconds())


@dataclass(frozen=True)
class Measured:
    """A load that was played to its end."""

    outcome: Outcome
    requests: "pl.DataFrame"
    before: Meter
    after: Meter

    @property
    def figures(self) -> dict[str, Any]:
        finished = self.requests["finished_s"].max()
        return {
            "load_s": finished if isinstance(finished, float) else 0.0,
            "skew_ms": self.outcome.skew_ms,
            "lateness_ms_p99": self.outcome.lateness_p99_ms,
            "rss_mb": self.after.service.rss_mb if self.after.service else None,
            "pss_mb": self.after.service.pss_mb if self.after.service else None,
            "began_s": round(time() - monotonic() + self.outcome.t0, 3),
        }

    def cpu(self, samples: list[Row]) -> CpuSeconds:
        """Where this machine's time went; `other` is what none of the parts accounts for."""
        read = [row[POSTGRES_CPU] for row in samples if row[POSTGRES_CPU] is not None]
        postgres = read[-1] - read[0] if read else None
        before, after = self.before.service, self.after.service
        service = after.cpu_s - before.cpu_s if before and after else None
        harness = self.after.harness_s - self.before.harness_s
        busy = self.after.machine_s - self.before.machine_s
        # Its warm-up is no part of the load, but no other program's either.
        generator = self.outcome.cpu_s
        if self.before.generator_s is not None and self.after.generator_s is not None:
            generator = max(generator, self.after.generator_s - self.before.generator_s)
        return CpuSeconds(
            generator=self.outcome.cpu_s,
            service=service,
            postgres=postgres,
            harness=harness,
            other=max(0.0, busy - generator - (service or 0.0) - harness - (postgres or 0.0)),
            available=(psutil.cpu_count() or 1) * (self.after.at - self.before.at),
        )
