"""How long a person waits: for a command that shows something, and for the first figures of a run."""

import signal
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Final

from tabulate import tabulate

from perf.lab import Lab

BENCH: Final = (sys.executable, "-m", "bench.cli")
SHOWING: Final = (("--help",), ("list",))
ROUNDS: Final = 5
FIGURES: Final = " served in "
"""On the line of progress that a result leaves."""


def starts(here: Lab) -> str:
    """Seconds from the command to what it shows, in new processes."""
    rows = [
        (f"bench {' '.join(command)}", "< 0.4", *_spread([_whole(command) for _ in range(ROUNDS)]))
        for command in SHOWING
    ]
    firsts = [_first_figures(here.directory / f"first-{nth}") for nth in range(3)]
    rows.append(("bench run --profile quick, first figures", "< 20", *_spread(firsts)))
    return tabulate(rows, ("command", "aim", "median s", "least", "most"), floatfmt=".2f")


def _whole(command: tuple[str, ...]) -> float:
    began = monotonic()
    subprocess.run([*BENCH, *command], stdout=subprocess.DEVNULL, check=True)
    return monotonic() - began


def _first_figures(out: Path) -> float:
    """To the first result that a run tells; then it is interrupted."""
    began = monotonic()
    with subprocess.Popen(
        [*BENCH, "run", "--profile", "quick", "--out", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stderr is not None
        try:
            if not any(FIGURES in line for line in run.stderr):
                raise RuntimeError("the run ended without a result")
            return monotonic() - began
        finally:
            run.send_signal(signal.SIGINT)
            run.stderr.read()


def _spread(values: list[float]) -> tuple[float, float, float]:
    return median(values), min(values), max(values)
