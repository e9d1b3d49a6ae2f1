"""What the skeleton of a cell needs of a layer: over HTTP, in the pool's own process, or a twin in tests."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import psutil

from bench.load.outcome import Outcome
from bench.observe.totals import Teller
from bench.record.rows import Row
from bench.record.schema import Cell
from bench.scenarios.model import Asked
from bench.targets.service import Usage
from services.workload.loads import Workload, length_s

WARM_UP_HOLD_MS: Final = 20
WARM_UP_ROUNDS: Final = 2
SPARE_S: Final = 60.0
"""The most that a load may take beyond its length and its last answer."""


@dataclass(frozen=True)
class Seen:
    """What a pool's own process has seen of it: rows as a sampler's, and (seconds from t0, kind, text) of faults."""

    rows: Sequence[Row] = ()
    happened: Sequence[tuple[float, str, str]] = ()


class Subject(Teller, Protocol):
    """A service, or its pool without HTTP, with its settings in force while one cell is played on it.

    Every call raises ServiceDied where it is gone.
    """

    base_url: str
    """Where it can be asked while the load runs; empty where it cannot, and its own process looks at the pool."""

    @property
    def application_name(self) -> str | None:
        """What PostgreSQL calls its connections; None where they cannot be seen, or not be told apart."""

    @property
    def generator(self) -> psutil.Process | None:
        """Who generates the load; None where the pool's own process does."""

    def usage(self) -> Usage | None:
        """None where its processes are not this machine's to look at."""

    def processes(self) -> list[psutil.Process]:
        """Those of this machine."""

    def warm_up(self) -> None:
        """Every connection prepares its statements, and every code path has been walked, before anything is timed."""

    def play(self, on_start: Callable[[float], None], *, timeout_s: float) -> Outcome:
        """Plays the cell's workload; `on_start` is told t0 (monotonic) shortly before it comes.

        Raises GeneratorFailed where the load could not be played.
        """

    def refuse_another(self) -> None:
        """Raises ServiceDied where this is not the process that it was before the load."""

    def seen(self) -> Seen:
        """What its own process saw of the load; nothing where the bench looks on."""


class Executor(Protocol):
    """How the cells of a run are played."""

    def open(self, cell: Cell, asked: Asked, settings: Mapping[str, Any], out: Path) -> AbstractContextManager[Subject]:
        """The subject of a cell, with a workload whose samples go to `out`."""


def workload(cell: Cell, asked: Asked) -> Workload:
    """What a cell plays, on every layer."""
    return Workload(load=asked.load, mix=asked.mix, seed=cell.seed, give_up_s=asked.give_up_s)


def most_s(asked: Asked) -> float:
    """After this long, a load has ended or hangs."""
    return length_s(asked.load) + asked.give_up_s + SPARE_S
