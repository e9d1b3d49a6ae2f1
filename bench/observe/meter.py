"""Whose CPU time went by while a load was played, and how much memory the service has."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, process_time

import psutil

from bench.observe.sampler import cpu_seconds, machine_seconds
from bench.record.readings import CpuSeconds
from bench.record.rows import Row
from bench.targets.service import Usage


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
    def read(cls, usage: Callable[[], Usage | None], generator: psutil.Process | None) -> "Meter":
        """`generator` is None where the load is played inside the service's own process."""
        generator_s = cpu_seconds(generator) if generator else None
        return cls(monotonic(), usage(), generator_s, process_time(), machine_seconds())


def cpu_between(before: Meter, after: Meter, generator_cpu_s: float, samples: list[Row]) -> CpuSeconds:
    """Where this machine's time went; `other` is what none of the parts accounts for.

    `generator_cpu_s` is what the generator says of itself, and `samples` are those of the sampler meanwhile.
    """
    read = [row.cpu_postgres_s for row in samples if row.cpu_postgres_s is not None]
    postgres = read[-1] - read[0] if read else None
    service = after.service.cpu_s - before.service.cpu_s if before.service and after.service else None
    harness = after.harness_s - before.harness_s
    busy = after.machine_s - before.machine_s
    # Its warm-up is no part of the load, but no other program's either.
    generator = generator_cpu_s
    if before.generator_s is not None and after.generator_s is not None:
        generator = max(generator, after.generator_s - before.generator_s)
    return CpuSeconds(
        generator=generator_cpu_s,
        service=service,
        postgres=postgres,
        harness=harness,
        other=max(0.0, busy - generator - (service or 0.0) - harness - (postgres or 0.0)),
        available=(psutil.cpu_count() or 1) * (after.at - before.at),
    )
