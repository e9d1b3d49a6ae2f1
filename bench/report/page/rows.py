"""The rows of a stored run as a page asks for them: of one scenario after another."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from bench.record.columns import CellRows
from bench.record.rows import Key
from bench.record.stored import Stored

AT_ONCE: Final = 1_000_000
"""The most requests that are kept in memory; of a run with more each scenario is read by itself."""


def rows_of(stored: Stored) -> Mapping[str, Sequence[CellRows]]:
    """Scenario → its cells with what they measured, in no certain order."""
    scenarios = dict.fromkeys(cell.scenario for cell in stored.run.cells)
    if stored.size > AT_ONCE:
        return _OneByOne(stored, tuple(scenarios))
    found = {name: list[CellRows]() for name in scenarios}
    for each in stored.rows():
        found[each.cell.scenario].append(each)
    return found


class _OneByOne(Mapping[str, Sequence[CellRows]]):
    def __init__(self, stored: Stored, scenarios: Sequence[str]) -> None:
        self._stored = stored
        self._scenarios = scenarios

    def __getitem__(self, scenario: str) -> Sequence[CellRows]:
        keys: set[Key] = {cell.key for cell in self._stored.run.cells if cell.scenario == scenario}
        if not keys:
            raise KeyError(scenario)
        return list(self._stored.rows(keys))

    def __iter__(self) -> Iterator[str]:
        return iter(self._scenarios)

    def __len__(self) -> int:
        return len(self._scenarios)
