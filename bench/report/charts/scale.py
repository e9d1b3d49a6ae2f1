"""From values to places in a drawing, and the ticks beside them."""

import math
from dataclasses import dataclass
from typing import Final

TICKS: Final = 4
"""About the most steps between ticks."""
STEPS: Final = (1, 2, 2.5, 5, 10)
Tick = tuple[float, str]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis, from the value at its beginning to the one at its end. These differ: `axis` sees to that."""

    low: float
    high: float
    unit: str = ""
    """What stands behind a value, as in `12 ms`."""
    name: str = ""
    """What it shows; "" where its ticks say it."""
    log: bool = False
    """Equal factors have equal lengths; then both ends are above 0."""
    ticks: tuple[Tick, ...] = ()

    def place(self, value: float) -> float:
        """Where a value lies: 0 at the beginning, 1 at the end."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def axis(high: float, unit: str = "", name: str = "", *, low: float = 0.0, whole: bool = False) -> Axis:
    """A linear axis; one without length is made one long. `whole`: its ticks are whole numbers."""
    high = high if high > low else low + 1
    return Axis(low=low, high=high, unit=unit, name=name, ticks=ticks(low, high, unit, whole=whole))


def ticks(low: float, high: float, unit: str = "", *, whole: bool = False) -> tuple[Tick, ...]:
    """Round values between two, with their unit."""
    least = max((high - low) / TICKS, 1 if whole else 0)
    power = 10.0 ** math.floor(math.log10(least))
    steps = (factor * power for factor in STEPS if not whole or (factor * power).is_integer())
    step = next(step for step in steps if step >= least * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    values = [round(nth * step, 9) for nth in range(first, math.floor(high / step + 1e-9) + 1)]
    return tuple((value, f"{value:g} {unit}".rstrip()) for value in values)


def time_axis(end_s: float) -> Axis:
    """Seconds from the start of the load."""
    return axis(end_s, "s")
