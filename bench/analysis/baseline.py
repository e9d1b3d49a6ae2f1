"""What holding a connection costs a service beyond the hold, as its baseline showed: the forecasts' hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import polars as pl

from bench.analysis.forecast import forecast
from bench.analysis.statistics import median
from bench.record.schema import Cell
from bench.scenarios.model import Asked

BASELINES: Final = ("five-in-sequence", "one")
"""Where no request waits for a connection; the first of them that was played is taken."""


@dataclass(frozen=True)
class Baseline:
    """What the baseline of each service has shown so far."""

    extra_ms: Mapping[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)
    """(service, scenario) → of each request that was served, its work and release less the hold as asked for."""
    before_ms: Mapping[str, float] = field(default_factory=dict)
    """Service → the overhead in its last forecast before this run was resumed."""

    @classmethod
    def of(cls, done: Iterable[Cell]) -> "Baseline":
        """What the forecasts of finished cells tell of a baseline whose requests are not at hand any more."""
        return cls(before_ms={cell.service: cell.forecast.hold_ms - cell.hold_ms for cell in done
                              if cell.ideal is not None and cell.forecast.hold_ms is not None})  # fmt: skip

    def seen(self, cell: Cell, requests: pl.DataFrame | None) -> "Baseline":
        """This and a cell that has just been played, if it is a baseline."""
        if cell.scenario not in BASELINES or cell.status != "ok" or requests is None:
            return self
        held = requests.filter(pl.col("status") == 200).select(
            (pl.col("work_us") + pl.col("release_us")) / 1000 - cell.hold_ms
        )
        known = held.to_series().drop_nulls().to_list()
        key = cell.service, cell.scenario
        return replace(self, extra_ms={**self.extra_ms, key: (*self.extra_ms.get(key, ()), *known)})

    def overhead_ms(self, service: str) -> float | None:
        """The median over the requests of the baseline; None where there was none yet."""
        found = (median(self.extra_ms.get((service, scenario), ())) for scenario in BASELINES)
        return next((value for value in found if value is not None), self.before_ms.get(service))

    def foretold(self, cell: Cell, asked: Asked) -> Cell:
        """The cell with its forecast, simulated where it has to be: as the service holds a connection, if that is
        known, and then with the ideal one beside it."""
        ideal = forecast(asked, cell.capacity, seed=cell.seed)
        extra_ms = self.overhead_ms(cell.service)
        if extra_ms is None or ideal.hold_ms is None:
            return replace(cell, forecast=ideal, ideal=None)
        hold_ms = round(cell.hold_ms + extra_ms, 3)
        return replace(cell, forecast=forecast(asked, cell.capacity, seed=cell.seed, hold_ms=hold_ms), ideal=ideal)
