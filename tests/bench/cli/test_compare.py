"""`bench compare`: its words, its refusals, its exit status."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from bench.record.store import Store
from tests.bench import made
from tests.bench.cli.test_main import bench


def stored(directory: Path, acquire_timeout_us: int = 1_050_000, repetitions: int = 10, **plan: Any) -> str:
    """Bursts of 100 in so many repetitions, each repetition's acquire timeout as given."""
    cells = [made.cell(repetition=repetition) for repetition in range(repetitions)]
    run = made.run(cells, repeat=repetitions, **plan)
    with Store(directory) as store:
        for cell in cells:
            rows: pl.DataFrame = made.requests(cell, made.fifo_burst(100, 5, 100_000, acquire_timeout_us))
            store.save_cell(run, cell, rows, None)
    return str(directory)


@pytest.mark.parametrize(
    ("acquire_timeout_us", "options", "status", "said"),
    [
        (1_050_000, (), 0, "0 worse, 0 better, 1 equivalent, 0 undecided, 0 not judged"),
        (850_000, (), 3, "1 worse, 0 better, 0 equivalent, 0 undecided, 0 not judged"),
        (850_000, ("--threshold", "12.5"), 0, "0 worse, 0 better, 0 equivalent, 1 undecided, 0 not judged"),
        (1_250_000, (), 0, "0 worse, 1 better, 0 equivalent, 0 undecided, 0 not judged"),
    ],
)
def test_a_regression_is_status_3(
    tmp_path: Path, acquire_timeout_us: int, options: tuple[str, ...], status: int, said: str
) -> None:
    a, b = stored(tmp_path / "a"), stored(tmp_path / "b", acquire_timeout_us)

    done = bench("compare", a, b, *options)

    assert (done.returncode, done.stderr) == (status, "")
    assert done.stdout.splitlines()[-1] == said


def test_a_regression_for_programs(tmp_path: Path) -> None:
    a, b = stored(tmp_path / "a"), stored(tmp_path / "b", 850_000)

    told, junit = bench("compare", a, b, "--format", "json"), bench("compare", a, b, "--format", "junit")

    assert (told.returncode, junit.returncode) == (3, 3)
    said = json.loads(told.stdout)
    (change,) = said.pop("changes")
    assert said == {"threshold_percent": 5.0, "differs": []}
    assert (change["service"], change["verdict"], change["before"], change["after"]) == (
        "asyncpg_fastapi",
        "worse",
        0.55,
        0.45,
    )
    (suite,) = ET.fromstring(junit.stdout)
    assert (suite.get("name"), suite.get("failures")) == ("burst-timeout", "1")
    assert [case.get("name") for case in suite.iter("testcase")] == ["asyncpg_fastapi"]
    assert [failure.get("message") for failure in suite.iter("failure")] == [
        "share served -10.0 points, worse: 55 % and 45 % were served"
    ]


def test_under_ten_repetitions_there_is_no_regression(tmp_path: Path) -> None:
    done = bench("compare", stored(tmp_path / "a"), stored(tmp_path / "b", 100_000, repetitions=9))
    assert done.returncode == 0
    assert "55 5 not judged: 10 and 9 of the 10 repetitions that it takes" in " ".join(done.stdout.split())


def test_what_cannot_be_compared_is_refused_in_one_line(tmp_path: Path) -> None:
    a, b = stored(tmp_path / "a"), stored(tmp_path / "b", tuning="as_shipped")

    done = bench("compare", a, b)

    assert (done.returncode, done.stdout) == (2, "")
    said = "tuning is equalised in one and as_shipped in the other: compare runs that asked the same"
    assert done.stderr == f"bench: {a} and {b}: {said}\n"


def test_what_differs_around_is_a_warning(tmp_path: Path) -> None:
    done = bench("compare", stored(tmp_path / "a"), stored(tmp_path / "b", tracing=True))
    assert (done.returncode, done.stderr) == (0, "differs: tracing: on in B, off in A\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("/nowhere", "results"), "no run in /nowhere: `bench run --out /nowhere` makes one"),
        (("results",), "Missing argument 'RUN_B'."),
        (("a", "b", "--threshold", "-1"), "Invalid value for '--threshold': -1.0 is not in the range"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(arguments: tuple[str, ...], said: str) -> None:
    done = bench("compare", *arguments)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert done.stderr.startswith(f"bench: {said}"), done.stderr
