"""What all cells of a run share, which settings a cell asks for, and whether a service keeps to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.faults.outage import Backends
from bench.postgres.database import Database
from bench.postgres.freezable import Freezable
from bench.record.readings import Reading
from bench.scenarios.model import Asked
from bench.targets.process import PROBE_THREADS
from services.common import contract
from services.stacks import STACKS


@dataclass(frozen=True)
class Conditions:
    """What all cells of a run share."""

    database: Database | None
    """Where PostgreSQL is asked for its own view of the pool; None where it cannot be."""
    local_database: bool
    tuning: contract.Tuning
    work_units: int
    """Iterations of `burn` for the profile's hold, calibrated on the idle database; 0 where no cell needs it."""
    stack: Callable[[str], str] = str
    """Which service it is, whatever the run calls it."""
    server: Freezable | None = None
    """The PostgreSQL, where this run has started it."""

    def backends(self, application_name: str | None) -> Backends:
        """What an outage of a cell on the service of that name strikes."""
        return Backends(database=self.database, application_name=application_name, server=self.server)


class Mismatch(RuntimeError):
    """A service or a database that is not in the state that a cell asks for: other settings, connections in use."""


def settings_for(asked: Asked, conditions: Conditions, service: str) -> dict[str, Any]:
    """The settings of a measured service: the environment of a process, or what a service elsewhere is told."""
    scenario = asked.scenario
    settings: dict[str, Any] = {
        "work_time_ms": asked.hold_ms,
        "work_kind": scenario.work_kind,
        "work_units": conditions.work_units if scenario.work_kind == "cpu" else 0,
        "pool_acquire_timeout": asked.acquire_timeout_s,
        "pool_min_size": scenario.pool_size,
        "pool_max_size": scenario.pool_size,
        "tuning": conditions.tuning,
    }
    if (stack := STACKS.get(service)) and stack.threads:
        settings["threads"] = asked.most_in_flight + PROBE_THREADS
    return settings


def refuse_lost(before: Reading, after: Reading) -> None:
    """Raises Mismatch where PostgreSQL answered before the load and does not after it."""
    if before.reads is not None and after.reads is None:
        raise Mismatch("PostgreSQL answers no more after the load: what failed was not the pool")


def compare(in_force: Mapping[str, Any], made: int | None, settings: Mapping[str, Any]) -> None:
    """Raises Mismatch where a setting in force, or the number of connections made, is not what was asked for."""
    for name, wanted in settings.items():
        # A service elsewhere may have threads to spare; too few of them hide a queue (see `Target.unfit`).
        if name in in_force and name != "threads" and in_force[name] != wanted:
            raise Mismatch(f"{name} is {in_force[name]!r} in force, and {wanted!r} was asked for")
    if made is not None and made < settings["pool_min_size"]:
        raise Mismatch(f"{made} of {settings['pool_min_size']} connections were made before the load")
