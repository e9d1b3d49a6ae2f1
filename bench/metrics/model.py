"""What is known of a metric before it is measured."""

import math
from dataclasses import dataclass
from typing import Final, Literal

Unit = Literal["requests", "users", "connections", "1", "ms", "s", "1/s", "%", "MB"]
"""`1` is a ratio."""
WRITTEN: Final = frozenset({"ms", "s", "1/s", "%", "MB"})
"""Units that stand beside a label; what is counted stands in the label itself."""
Better = Literal["higher", "lower"]

Metrics = dict[str, float | None]
"""The values of one cell, by the name of the metric; None is a missing one."""

NOT_SERVED: Final = "> timeout"
"""A wait or a latency that falls on a request not served; tables say beside it how many were rejected."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One figure of a cell: what it is, which way is better, what a missing value means, and how tables call it."""

    name: str
    """As in `summary.json`."""
    text: str
    """What it is, in one sentence."""
    unit: Unit
    label: str
    """What a table calls it, without its unit."""
    short: str = ""
    """In the overview, where width is dear; "" where the label is short enough."""
    decimals: int | None = None
    """None: as many as give three digits."""
    better: Better | None = None
    """None: neither, so that no scenario can be judged by it."""
    missing: str = ""
    """Where there is no value, and why; "" where there always is one."""
    beyond: str = ""
    """The word for a missing value that lies beyond the end of the load: it counts as longer than any that was
    measured. "": a missing value is not known."""
    uncorrected: str = ""
    """The metric that counts the same from the moment of sending, where this one counts from the planned moment."""
    least_sent: int = 0
    """With fewer requests it says nothing, and tables leave it out."""
    dull: float | None = None
    """A table leaves out a row in which every stack has this value."""

    @property
    def unit_written(self) -> str:
        """The unit as it stands beside a number; "" for counts and ratios."""
        return self.unit if self.unit in WRITTEN else ""

    @property
    def title(self) -> str:
        """`goodput (1/s)`."""
        return f"{self.label} ({self.unit_written})" if self.unit_written else self.label

    @property
    def short_title(self) -> str:
        """`latency p99, ms`; the title where there is no short label."""
        if not self.short:
            return self.title
        return f"{self.short}, {self.unit_written}" if self.unit_written else self.short

    @property
    def higher_is_better(self) -> bool:
        """Only of a metric that has a better direction."""
        assert self.better is not None, f"more {self.name} is neither better nor worse"
        return self.better == "higher"

    def measured(self, value: float | None) -> float | None:
        """The value, `math.inf` where it lay beyond the end of the load; None where it is not known."""
        return math.inf if value is None and self.beyond else value
