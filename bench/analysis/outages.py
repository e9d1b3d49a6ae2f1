"""When the database was struck, and how soon all was well again, in seconds of the load."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import polars as pl

from bench.analysis.answers import Answers, floats
from bench.record.schema import Cell, Event

ENDED: Final = "backends_ended"
FROZEN: Final = "frozen"
GOES_ON: Final = "goes_on"
"""The `kind` of the event of each: backends were terminated, PostgreSQL stands still, it goes on."""


def over_s(events: Iterable[Event]) -> float | None:
    """When the last outage was over: backends are ended in a moment, and a freeze lasts until PostgreSQL goes on."""
    return max((event.t_s for event in events if event.kind in (ENDED, GOES_ON)), default=None)


def still_s(events: Iterable[Event]) -> float:
    """For how long PostgreSQL stood still in all."""
    return sum({FROZEN: -1, GOES_ON: 1}.get(event.kind, 0) * event.t_s for event in events)


def served_again_s(answers: Answers, events: Iterable[Event]) -> float | None:
    """From the end of the outage to the planned moment of the last request that was not served; 0 where all that were
    planned after it were. None where nothing was struck, or where none was served after that one."""
    ended_s = over_s(events)
    if ended_s is None:
        return None
    asked_s = answers.planned * 1e-6
    after = asked_s >= ended_s
    asked_s, served = asked_s[after], answers.served[after]
    if not len(served) or not served[np.argsort(asked_s, kind="stable")[-1]]:
        return None
    missed_s = asked_s[~served]
    return float(missed_s.max()) - ended_s if len(missed_s) else 0.0


def backends_again_s(cell: Cell, samples: pl.DataFrame, events: Iterable[Event]) -> float | None:
    """From the end of the outage to the first sample from which on PostgreSQL had as many backends of the service as
    its pool has connections, so that it is known to within the time between two samples; 0 where it never had fewer.
    None where nothing was struck, or where it had fewer to the end."""
    ended_s = over_s(events)
    if ended_s is None:
        return None
    at_s, backends = floats(samples["t_us"]) * 1e-6, floats(samples["backends"])
    after = (at_s >= ended_s) & ~np.isnan(backends)
    at_s, all_there = at_s[after], backends[after] >= cell.pool_size
    if not len(all_there) or not all_there[-1]:
        return None
    fewer = np.flatnonzero(~all_there)
    return float(at_s[fewer[-1] + 1]) - ended_s if len(fewer) else 0.0
