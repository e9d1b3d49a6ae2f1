"""Where the services of a run are, and which cells can be played there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.postgres.database import Database
from bench.postgres.freezable import Freezable
from bench.record.schema import Cell, played_as
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.model import Freeze, KillBackends
from bench.targets.libraries import Libraries
from bench.targets.pool import PoolProcess
from bench.targets.process import PROBE_THREADS, LocalService
from bench.targets.url import Remote, RemoteService


@dataclass(frozen=True)
class Target:
    """Where services run and find their database, and whether its processes can be looked at from here.

    Without `remote`, every cell starts a service process of its own.
    """

    database: Database | None
    local: bool
    remote: Mapping[str, Remote] = field(default_factory=dict)
    """Services that run elsewhere, by the name that the run gives them; these may do without a database."""
    server: Freezable | None = None
    """The PostgreSQL, where this run has started it."""
    libraries: Mapping[str, Libraries] = field(default_factory=dict)
    """What a column has in place of the locked libraries, by the name that the run gives it."""

    def open(self, name: str, settings: Mapping[str, Any]) -> LocalService | RemoteService:
        """A service with these settings in force, for as long as the context is entered."""
        if self.remote:
            return RemoteService(self.remote[name], settings)
        assert self.database is not None, "a service process needs its database"
        return LocalService(self.stack(name), self.database, settings, libraries=self._own_libraries(name))

    def open_pool(self, name: str, settings: Mapping[str, Any]) -> PoolProcess:
        """The pool of a service without HTTP, with these settings in force, for as long as the context is entered."""
        assert self.database is not None, "a pool needs its database"
        return PoolProcess(self.stack(name), self.database, settings, libraries=self._own_libraries(name))

    def _own_libraries(self, name: str) -> Path | None:
        return self.libraries[name].directory if name in self.libraries else None

    def stack(self, name: str) -> str:
        """Which service it is, whatever the run calls it."""
        return self.remote[name].service if self.remote else played_as(name)[0]

    def made(self, name: str) -> str:
        """What is the same whenever it is the same code: a stack, or one with libraries of its own."""
        return name if name in self.libraries else self.stack(name)

    def unfit(self, cell: Cell) -> str | None:
        """Why a cell cannot be played here; None where it can."""
        faults = {type(fault) for fault in SCENARIOS[cell.scenario].faults}
        if Freeze in faults and self.server is None:
            return "it freezes the database, and this run has not started that PostgreSQL: play it on the embedded one"
        if not self.remote:
            return None
        far = self._far(cell) if KillBackends in faults else None
        return self._few_threads(cell) or self._uncalibrated(cell) or far

    def _few_threads(self, cell: Cell) -> str | None:
        threads, needed = self.remote[cell.service].found["threads"], _in_flight(cell) + PROBE_THREADS
        if threads is None or threads >= needed:
            return None
        return (
            f"its server has {threads} threads, and {needed} are needed so that no request waits in front of the pool"
        )

    def _uncalibrated(self, cell: Cell) -> str | None:
        if SCENARIOS[cell.scenario].work_kind != "cpu":
            return None
        if self.database is None:
            return "needs --database-url: its work is calibrated on the database"
        if not self.remote[cell.service].same_database:
            return f"its connections are not in {self.database}, on which its work would be calibrated"
        return None

    def _far(self, cell: Cell) -> str | None:
        """Why the backends of a service elsewhere cannot be ended, or not without another's."""
        remote = self.remote[cell.service]
        if self.database is None:
            return "needs --database-url: its connections are ended from the database"
        if not remote.same_database:
            return f"its connections are not in {self.database}, from which they would be ended"
        if not remote.alone:
            return f"another service of this run is {remote.service} too, whose connections would be ended with its own"
        return None


def _in_flight(cell: Cell) -> int:
    """The most requests that wait for an answer at once, which is the same at every hold."""
    return SCENARIOS[cell.scenario].at(cell.hold_ms).most_in_flight
