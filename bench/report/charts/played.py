"""The results of one scenario as its charts need them: by stack, those that its table shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from bench.record.columns import CellRows
from bench.record.schema import Cell
from bench.report.view import View
from services.common import contract


@dataclass(frozen=True, kw_only=True, eq=False)
class Played:
    """One stack's repetitions of a scenario, at least one."""

    service: str
    stack: str
    """What it is called."""
    results: tuple[CellRows, ...]
    """By repetition."""

    @property
    def cell(self) -> Cell:
        return self.results[0].cell

    @property
    def first(self) -> pl.DataFrame:
        """The requests of its first repetition."""
        return self.results[0].requests

    @property
    def one_checkout(self) -> bool:
        """Each request takes one connection, once."""
        return self._paths <= set(contract.ONE_CHECKOUT)

    @property
    def pooled(self) -> bool:
        """A request takes a connection at all."""
        return self._paths != {contract.NOOP}

    @property
    def _paths(self) -> set[str]:
        return {path.partition("?")[0] for path in self.first["path"].unique()}

    @property
    def repetitions(self) -> int:
        return len(self.results)


def played(view: View, scenario: str, rows: Sequence[CellRows]) -> tuple[Played, ...]:
    """In the order of the run's stacks; without those that have no figures, and without results that are in none."""
    marked = view.disturbed(scenario)
    found = list[Played]()
    for service in view.services:
        status = "rejected" if service in marked else "ok"
        own = [each for each in rows if each.cell.key[:2] == (scenario, service) and each.cell.status == status]
        own = sorted((each for each in own if each.requests.height), key=lambda each: each.cell.repetition)
        if own:
            found.append(Played(service=service, stack=view.stack(service), results=tuple(own)))
    return tuple(found)
