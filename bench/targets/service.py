"""What a cell needs of a service, wherever it runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import psutil


@dataclass(frozen=True)
class Usage:
    """What a process and its children have used since they began.

    `rss_mb` counts a page once for each process that has it; `pss_mb` shares it out, and is None where the system
    does not say.
    """

    cpu_s: float
    rss_mb: float
    pss_mb: float | None = None


def restarted(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether another process gave the second `/pool/stats`: a supervisor or gunicorn's arbiter started it meanwhile.

    In containers all have the same id, but a new one has neither the totals nor what was put in force.
    """
    kept = ("worker_pid", "pool_min_size", "pool_max_size", "work_time_ms", "acquire_timeout")
    return after["acquired_total"] < before["acquired_total"] or any(before[name] != after[name] for name in kept)


class Told(NamedTuple):
    """The body of `/pool/stats`, and when it was so, on the monotonic clock."""

    at_s: float
    stats: Mapping[str, Any]


class Service(Protocol):
    """A service while a cell is played on it."""

    @property
    def name(self) -> str:
        """What the run calls it."""

    @property
    def base_url(self) -> str: ...

    @property
    def application_name(self) -> str | None:
        """What PostgreSQL calls its connections; None where they cannot be seen, or not be told apart."""

    @property
    def alive(self) -> bool:
        """False once it is known to have ended. Asked while the load runs, so that it must cost nothing."""

    def usage(self) -> Usage | None:
        """None where its processes are not this machine's to look at."""

    def processes(self) -> list[psutil.Process]:
        """Those of this machine; none where it runs elsewhere."""

    def log_tail(self) -> str:
        """Its last lines; empty where there are none to read."""
