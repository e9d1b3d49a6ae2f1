"""A run as CSV: what is in its tables, read with nothing but a text tool."""

import csv
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from bench.analysis.summary import measure
from bench.errors import UserError
from bench.metrics.registry import METRICS
from bench.record.dictionary import CELLS
from bench.record.export import make_folder, write_csv
from bench.record.rows import POOL_COLUMNS, REQUEST_COLUMNS
from bench.record.store import Store
from bench.record.stored import Stored, load
from tests.bench import made
from tests.bench.record.records import FAILED, A, B, save

NAMES = ("requests.csv", "pool.csv", "events.csv", "cells.csv")


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """Two cells that were played, and one that failed."""
    with Store(tmp_path / "run") as store:
        save(store, made.run([A]), A)
        save(store, made.run([A, B]), B)
        store.save_cell(made.run([A, B, FAILED]), FAILED, None, None, [made.event(FAILED, 0.5, "frozen", "")])
    return load(tmp_path / "run")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    make_folder(tmp_path / "deep" / "csv")
    return tmp_path / "deep" / "csv"


def test_every_row_is_written(stored: Stored, out: Path) -> None:
    assert write_csv(stored, {}, out) == NAMES

    assert sorted(path.name for path in out.iterdir()) == sorted(NAMES)
    for name, frame, columns in (
        ("requests", stored.requests, REQUEST_COLUMNS),
        ("pool", stored.samples, POOL_COLUMNS),
    ):
        written = pl.read_csv(out / f"{name}.csv", schema=made.schema(columns))
        assert_frame_equal(written, frame)


def test_events_and_cells_are_as_recorded(stored: Stored, out: Path) -> None:
    metrics = measure(stored.rows(), cores=2)
    write_csv(stored, metrics, out)

    played = {"scenario": "burst-timeout", "service": "asyncpg_fastapi", "repetition": "0"}
    events = rows(out / "events.csv")
    assert events[0] == {**played, "t_s": "1.5", "kind": "leak", "text": "kept, 1 of 5: 200"}
    assert (out / "events.csv").read_text().splitlines()[-1].endswith(',0.5,frozen,""')
    a, _, failed = rows(out / "cells.csv")
    assert list(a) == [*CELLS.columns, *METRICS]
    assert a.items() >= {**played, "status": "ok", "why": "", "hold_ms": "100", "sent": "8.0", "ok": "8.0"}.items()
    assert float(a["acquire_ms_max_served"]) == metrics[A.key]["acquire_ms_max_served"] == 100
    assert (failed["status"], failed["why"]) == ("failed", "it died")
    assert {failed[name] for name in METRICS} == {""}


@pytest.mark.parametrize("there", ["a folder", "a file"])
def test_what_is_there_is_left_alone(tmp_path: Path, there: str) -> None:
    out = tmp_path / "out"
    if there == "a folder":
        out.mkdir()
        (out / "mine").write_text("kept")
    else:
        out.write_text("kept")
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(UserError, match=f"{out} is there already, and not empty: name another folder with --out"):
        make_folder(out)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_empty_folder_is_taken(out: Path) -> None:
    make_folder(out)

    assert list(out.iterdir()) == []


def test_a_full_disk_is_one_line_and_leaves_no_file(stored: Stored, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pl.LazyFrame.sink_csv

    def full(frame: pl.LazyFrame, path: Path, **options: object) -> None:
        whole(frame, path, **options)  # type: ignore[call-overload]  # passed on as they came
        if path.name.startswith(".pool"):
            raise OSError("No space left on device (os error 28)")  # as polars says it

    monkeypatch.setattr(pl.LazyFrame, "sink_csv", full)
    with pytest.raises(UserError, match=r"csv \(No space left on device \(os error 28\)\): name another folder"):
        write_csv(stored, {}, out)
    assert list(out.iterdir()) == []


def test_a_run_in_progress_is_exported(tmp_path: Path, out: Path) -> None:
    with Store(tmp_path / "run") as store:
        save(store, replace(made.run([A]), took_s=1.0), A)
        write_csv(load(tmp_path / "run"), {}, out)

    assert len(rows(out / "requests.csv")) == 8
