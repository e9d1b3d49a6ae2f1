"""`python -m perf.reading [MILLIONS …]`: what it takes to store, read, analyse and report a run of so many requests.

The runs are made up (`perf.made_up`). Each is read in a process of its own, so that its peak of memory is its own.
Where the CPU seconds a million do not grow from row to row, reading is linear; where the last cells cost what the first
cost, storing is.
"""

import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Final, NamedTuple, Self

from tabulate import tabulate

from bench.analysis.summary import measure
from bench.record.columns import CellRows
from bench.record.schema import Run
from bench.record.store import Store
from bench.record.stored import load
from bench.report.render import render
from bench.report.view import view_of
from perf.made_up import made_up_rows, made_up_run

MILLIONS: Final = (1.0, 4.8, 10.0)
FEW: Final = 20
"""Cells at the beginning of a run, and at its end."""
AIMS: Final = {4.8: "≤ 12 s, ≤ 1000 MB", 10.0: "≤ 20 s"}
"""For reading and analysis together, on two cores."""


class Looked(NamedTuple):
    """What one run took: seconds, CPU seconds of reading and analysis, and MB of resident memory at the peak."""

    cells: int
    requests: int
    reading_s: float
    analysis_s: float
    cpu_s: float
    report_s: float
    peak_mb: float


class Kept(NamedTuple):
    """What it took to store one: milliseconds a cell in the median of the first few and of the last, and seconds."""

    first_ms: float
    last_ms: float
    merging_s: float


class Timed:
    """Hands out cells, and knows how long it waited for them."""

    def __init__(self, rows: Iterator[CellRows]) -> None:
        self._rows = rows
        self.waited_s = 0.0
        self.requests = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> CellRows:
        began = perf_counter()
        each = next(self._rows)
        self.waited_s += perf_counter() - began
        self.requests += each.requests.height
        return each


def keep(directory: Path, run: Run, rows: Iterable[CellRows]) -> Kept:
    """Stores a run, cell by cell."""
    took: list[float] = []
    with Store(directory) as store:
        for nth, each in enumerate(rows, 1):
            so_far = replace(run, cells=run.cells[:nth])
            began = perf_counter()
            store.save_cell(so_far, *each)
            took.append(perf_counter() - began)
        began = perf_counter()
        store.merge(run)
    return Kept(median(took[:FEW]) * 1e3, median(took[-FEW:]) * 1e3, perf_counter() - began)


def look(directory: Path) -> Looked:
    """Reads, analyses and reports, as `bench report` does."""
    began, cpu_s = perf_counter(), process_time()
    stored = load(directory)
    run, timed = stored.run, Timed(stored.rows())
    opened = perf_counter()
    metrics = measure(timed, run.environment.cores)
    measured, cpu_s = perf_counter(), process_time() - cpu_s
    render(view_of(run, metrics), "md")
    return Looked(
        cells=len(metrics),
        requests=timed.requests,
        reading_s=opened - began + timed.waited_s,
        analysis_s=measured - opened - timed.waited_s,
        cpu_s=cpu_s,
        report_s=perf_counter() - measured,
        peak_mb=_peak_mb(),
    )


def _peak_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _row(millions: float) -> tuple[str, ...]:
    run = made_up_run(round(millions * 1e6))
    with (
        tempfile.TemporaryDirectory(prefix="poolbench-perf-") as folder,
        ProcessPoolExecutor(1, get_context("spawn")) as alone,
    ):
        kept = keep(Path(folder), run, made_up_rows(run.cells))
        stored_mb = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()) / 1e6
        found = alone.submit(look, Path(folder)).result()
    both_s = found.reading_s + found.analysis_s
    return (
        f"{found.requests / 1e6:.1f} million",
        f"{found.cells}",
        f"{stored_mb:.0f} MB",
        f"{kept.first_ms:.0f} ms",
        f"{kept.last_ms:.0f} ms",
        f"{kept.merging_s:.1f} s",
        f"{found.reading_s:.1f} s",
        f"{found.analysis_s:.1f} s",
        f"{both_s:.1f} s",
        f"{found.cpu_s / found.requests * 1e6:.2f} s",
        f"{found.report_s:.1f} s",
        f"{found.peak_mb:.0f} MB",
        AIMS.get(millions, ""),
    )


HEADERS: Final = (
    "requests",
    "cells",
    "stored",
    "saving the first cells",
    "the last",
    "merging",
    "reading",
    "analysis",
    "both",
    "CPU a million",
    "report",
    "peak",
    "aims",
)


def main(millions: tuple[float, ...]) -> None:
    print(tabulate([_row(each) for each in millions], HEADERS, disable_numparse=True))


if __name__ == "__main__":
    try:
        main(tuple(map(float, sys.argv[1:])) or MILLIONS)
    except ValueError:
        sys.exit("use: python -m perf.reading [MILLIONS …]")
