"""Two runs beside each other."""

import math
from functools import partial
from typing import Any

from bench.analysis.change import Change
from bench.report import words
from bench.report.changes import changes_table
from bench.report.table import Table


def change(**changed: Any) -> Change:
    return Change(**{"service": "asyncpg_fastapi", "metric": "ok"} | changed)


def test_a_whole_table() -> None:
    worse = {"before": 50, "after": 40, "change": -20.0, "change_low": -22.0, "change_high": -18.2}
    alike = {"before": 50, "after": 50, "change": 0.0, "change_low": 0.0, "change_high": 0.0, "scale": "points"}
    found = (
        change(scenario="burst-timeout", verdict="worse", **worse),
        change(scenario="burst-50", verdict="equivalent", **alike),
        change(scenario="one", verdict="better", before=0, after=3),
        change(scenario="ramp", verdict="not judged", why="CPU-bound, not compared"),
        change(
            scenario="burst-10",
            metric="latency_ms_p99_all",
            verdict="not judged",
            why="1 and 1 of the 10 repetitions that it takes",
            before=203.25,
            after=math.inf,
        ),
    )
    assert changes_table(found, 0.05) == Table(
        title="Changes",
        about="worse or better: by over 5 % (shares: points), corrected over all changes; equivalent: the whole 95 % "
        "interval, in brackets, within that; undecided: neither",
        headers=("scenario", "stack", "figure", "A", "B", "change", "verdict"),
        rows=(
            ("burst-timeout", "asyncpg + FastAPI", "served", "50", "40", "-20.0 % (-22.0 to -18.2)", "worse"),
            ("burst-50", "asyncpg + FastAPI", "served", "50", "50", "0 points", "equivalent"),
            ("one", "asyncpg + FastAPI", "served", "0", "3", "", "better"),
            ("ramp", "asyncpg + FastAPI", "served", "–", "–", "–", "not judged: CPU-bound, not compared"),
            (
                "burst-10",
                "asyncpg + FastAPI",
                "latency p99, ms",
                "203",
                "> timeout",
                "",
                "not judged: 1 and 1 of the 10 repetitions that it takes",
            ),
        ),
        notes=("1 worse, 1 better, 1 equivalent, 0 undecided, 2 not judged",),
    )


def test_pools_alone_are_called_by_their_own_names() -> None:
    found = [change(scenario="burst-50", verdict="equivalent", before=50, after=50)]
    (row,) = changes_table(found, 0.05, partial(words.stack, layer="pool")).rows
    assert row[:2] == ("burst-50", "asyncpg.Pool")
