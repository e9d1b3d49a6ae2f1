"""What a value looks like: its colour, from where on it is too much, and what stands where there is none."""

from collections.abc import Mapping, Sequence
from typing import Final

from grafana.queries import HIGHEST

NO_REQUESTS: Final = "no requests in this window"
NO_DATA: Final = "no data: service or Prometheus away"
"""For gauges and counters, which always have a value while the service lives."""
NO_EXPORTER: Final = "no data from postgres-exporter"

Limits = Sequence[tuple[float, str]]
"""From which value on which colour; below the first, green.

Over time each is a dashed line. Where the lines of a panel mean different things, a limit has the colour of the one
that it is about. Grafana fits the axis to the data alone (grafana/grafana#14372): a limit far above the data is out of
sight, and flattens nothing.
"""

ANY_WAITING: Final[Limits] = ((1, "orange"),)
"""Requests inside acquire: one is a queue."""
WAIT: Final[Limits] = ((0.1, "orange"), (1, "red"))
"""Seconds: from 0.1 on a user notices, from 1 on it is all that a user notices."""
LOST: Final[Limits] = ((0.001, "red"),)
"""Per second: anything above 0. Over time it lies on the axis."""
IN_TRANSACTION: Final[Limits] = ((1, "purple"),)
"""Backends that are idle in transaction, in their colour: one is enough to hold locks."""
CPU: Final[Limits] = ((0.7, "orange"),)
"""Of one core, from which on the bench calls a cell CPU-bound."""
FULL: Final[Limits] = ((0.8, "orange"), (1, "red"))
NEAR_THE_LIMIT: Final[Limits] = ((0.8, "orange"), (0.95, "red"))

COLOURS: Final[Mapping[str, str]] = {
    "used": "orange",
    "used, mean": "orange",
    "free": "green",
    "idle": "green",
    "size": "blue",
    "connecting": "purple",
    "min": "#8e8ea0",
    "max": "red",
    "waiting": "orange",
    "waiting, mean": "blue",
    "mean": "blue",
    "p50": "green",
    "p95": "yellow",
    "p99": "orange",
    "timed out": "red",
    "failed": "purple",
    "got one": "green",
    "asked": "blue",
    "connects": "blue",
    "leaked": "red",
    "abandoned": "purple",
    "served (200)": "green",
    "answered": "blue",
    "200": "green",
    "500": "purple",
    "503": "red",
    "active": "orange",
    "idle in transaction": "purple",
    "all": "blue",
    "L ÷ λ": "blue",
    "as measured": "green",
    "CPU": "blue",
    "resident": "blue",
    HIGHEST: "#8e8ea0",
}
"""One meaning, one colour, on every panel."""

AMOUNTS: Final = frozenset({"used", "used, mean", "waiting", "timed out", "served (200)", "leaked", "CPU", "resident"})
"""What is filled below."""

BOUNDS: Final = frozenset({"min", "max", HIGHEST})
"""What is no measurement of this panel's own: dashed."""
