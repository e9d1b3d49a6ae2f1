"""The order in which cells are played, and played again: a repetition of a scenario in which an audit failed has two
more chances, all its services together, because pairs are compared within repetitions.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from bench.analysis.audit import disturbed
from bench.record.schema import Cell, Run

REPLAYS: Final = 2
"""How often a repetition of a scenario is played again in one sitting."""

Step = Callable[[Run, Cell], Run]
"""Plays a cell, and returns the run with it."""


@dataclass(frozen=True)
class Replay:
    """A repetition of a scenario that is played again, and the cell on whose account."""

    cells: tuple[Cell, ...]
    attempt: int
    because: Cell

    def __str__(self) -> str:
        first = self.cells[0]
        where = f"{first.scenario} · repetition {first.repetition + 1} is played again"
        return f"{where} (play {self.attempt}), because of {self.because.service}: {self.because.why}"


def taken_up(done: Run) -> Run:
    """An interrupted or rejected run as `--resume` goes on with it: what failed or was skipped is played again, and
    where a cell was rejected its whole repetition of the scenario is."""
    rejected = {(cell.scenario, cell.repetition) for cell in done.cells if cell.status == "rejected"}
    again = tuple(cell for cell in done.cells if _measured(cell) and (cell.scenario, cell.repetition) in rejected)
    kept = tuple(cell for cell in done.cells if cell.status == "ok" and cell not in again)
    return replace(done, cells=kept, replaced=(*done.replaced, *again))


def play_all(cells: Iterable[Cell], run: Run, step: Step, again: Callable[[Replay], None], most: int = REPLAYS) -> Run:
    """Plays the cells that `run` lacks, repetition by repetition of each scenario; `again` is told before one is
    repeated."""
    finished = {cell.key for cell in run.cells}
    for (scenario, repetition), group in groupby(cells, key=lambda cell: (cell.scenario, cell.repetition)):
        planned = list(group)
        attempt = _attempt(run, scenario, repetition)
        for cell in planned:
            if cell.key not in finished:
                run = step(run, replace(cell, attempt=attempt))
        for _ in range(most):
            played = tuple(cell for cell in run.cells if (cell.scenario, cell.repetition) == (scenario, repetition))
            because = next((cell for cell in played if cell.status == "rejected"), None)
            if because is None:
                break
            measured = tuple(cell for cell in played if _measured(cell))
            attempt = max(cell.attempt for cell in measured) + 1
            keys = {cell.key for cell in measured}
            # As they were planned: what was found out meanwhile is found out again.
            cells_again = tuple(replace(cell, attempt=attempt) for cell in planned if cell.key in keys)
            again(Replay(cells_again, attempt, because))
            run = replace(
                run,
                cells=tuple(cell for cell in run.cells if cell not in measured),
                replaced=(*run.replaced, *measured),
            )
            for cell in cells_again:
                run = step(run, cell)
    return run


def _attempt(run: Run, scenario: str, repetition: int) -> int:
    """The number of the next play: those that were replaced have been."""
    earlier = (cell.attempt for cell in run.replaced if (cell.scenario, cell.repetition) == (scenario, repetition))
    return 1 + max(earlier, default=0)


def spoiled(cell: Cell) -> bool:
    """Whether a cell makes the run a failed one: the service or the bench did something wrong, and not only another
    program on the machine."""
    return cell.status == "failed" or (cell.status == "rejected" and not disturbed(cell))


def _measured(cell: Cell) -> bool:
    """What failed or was skipped is not made better by playing it again."""
    return cell.status in ("ok", "rejected")
