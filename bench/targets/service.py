"""What a cell needs of a service, wherever it runs.

In: nothing. Out: `Service`, which a process on this machine and an address elsewhere both are.
"""

from dataclasses import dataclass
from typing import Protocol

import psutil


@dataclass(frozen=True)
class Usage:
    """What a process and its children have used since they began."""

    cpu_s: float
    rss_mb: float


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
