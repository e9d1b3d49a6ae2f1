"""Tells a person at a terminal what is going on, and how long it still takes."""

import shutil
import sys
from time import monotonic
from typing import TextIO


def duration(seconds: float) -> str:
    """`8 s`, `1 min 20 s`, `1 h 02 min`: as one says it."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Progress:
    """Counts the parts of a run. What is left is estimated from how the estimates have held so far."""

    def __init__(self, estimates_s: list[float], out: TextIO | None = None) -> None:
        self._left_s = sum(estimates_s)
        self._left = self._total = len(estimates_s)
        self._done_s = 0.0
        self._spent_s = 0.0
        self._began = monotonic()
        self._out = out or sys.stderr

    def doing(self, text: str) -> None:
        """What goes on now; on a terminal the line is overwritten by the next, elsewhere it is left out."""
        if self._out.isatty():
            # A line that is broken is not overwritten as a whole.
            line = f"{self._place(1)} {text} …{self._time_left()}"[: shutil.get_terminal_size().columns - 1]
            print(f"\r\033[K{line}", end="", file=self._out, flush=True)

    def done(self, text: str, *, estimate_s: float) -> None:
        """A part that was estimated at `estimate_s` has ended."""
        now = monotonic()
        self._spent_s += now - self._began
        self._began = now
        self._done_s += estimate_s
        self._drop(estimate_s)
        clear = "\r\033[K" if self._out.isatty() else ""
        print(f"{clear}{self._place(0)} {text}{self._time_left()}", file=self._out, flush=True)

    def spared(self, estimate_s: float) -> None:
        """A part that was estimated at `estimate_s` is not needed."""
        self._drop(estimate_s)
        self._total -= 1

    def more(self, estimates_s: list[float]) -> None:
        """Parts that were not planned."""
        self._left_s += sum(estimates_s)
        self._left += len(estimates_s)
        self._total += len(estimates_s)

    def say(self, text: str) -> None:
        """A line of its own."""
        clear = "\r\033[K" if self._out.isatty() else ""
        print(f"{clear}{text}", file=self._out, flush=True)

    def _drop(self, estimate_s: float) -> None:
        self._left -= 1
        self._left_s -= estimate_s

    def _place(self, ahead: int) -> str:
        width = len(str(self._total))
        return f"[{self._total - self._left + ahead:>{width}}/{self._total}]"

    def _time_left(self) -> str:
        if not self._left:
            return ""
        slower = self._spent_s / self._done_s if self._done_s else 1.0
        return f" · {duration(self._left_s * slower)} left"
