"""When the database was struck, and how soon all was well again, in seconds of the load."""

from collections.abc import Iterable
from typing import Final

import polars as pl

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


def served_again_s(requests: pl.DataFrame, events: Iterable[Event]) -> float | None:
    """From the end of the outage to the planned moment of the last request that was not served; 0 where all that were
    planned after it were. None where nothing was struck, or where none was served after that one."""
    ended_s = over_s(events)
    if ended_s is None:
        return None
    asked_s = pl.coalesce("planned_us", "sent_us") / 1e6
    after = requests.select(at_s=asked_s, served=pl.col("status") == 200).filter(pl.col("at_s") >= ended_s).sort("at_s")
    if not after.height or not after["served"][-1]:
        return None
    missed = after.filter(~pl.col("served"))["at_s"]
    return missed[-1] - ended_s if len(missed) else 0.0


def backends_again_s(cell: Cell, samples: pl.DataFrame, events: Iterable[Event]) -> float | None:
    """From the end of the outage to the first sample from which on PostgreSQL had as many backends of the service as
    its pool has connections, so that it is known to within the time between two samples; 0 where it never had fewer.
    None where nothing was struck, or where it had fewer to the end."""
    ended_s = over_s(events)
    if ended_s is None:
        return None
    known = samples.drop_nulls("backends").sort("t_us").select(pl.col("t_us") / 1e6, "backends").rows()
    after = [(t_s - ended_s, count >= cell.pool_size) for t_s, count in known if t_s >= ended_s]
    if not after or not after[-1][1]:
        return None
    fewer = [nth for nth, (_, all_there) in enumerate(after) if not all_there]
    return after[fewer[-1] + 1][0] if fewer else 0.0
