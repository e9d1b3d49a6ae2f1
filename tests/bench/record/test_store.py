"""The store: what goes in comes out, whole, wherever the writing was cut off."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from bench.errors import UserError
from bench.record.rows import POOL_COLUMNS, REQUEST_COLUMNS
from bench.record.schema import Cell, Event, Run
from bench.record.store import Store, Stored, load
from bench.record.summary import CellSummary, Figure, Summary
from tests.bench import made

FILES = {"run.json", "requests.parquet", "pool.parquet", "events.jsonl"}

A = made.cell(repetition=0, settings={"pool_max_size": 5}, rss_mb=60.5)
B = made.cell(service="psycopg_flask", repetition=0)
FAILED = made.cell(repetition=1, status="failed", why="it died", log_tail="Traceback …")


def rows_of(cell: Cell) -> tuple[pl.DataFrame, pl.DataFrame, list[Event]]:
    """A burst, two samples and an event, all of one cell."""
    return (
        made.requests(cell, made.fifo_burst(8, 5, 100_000, 150_000)),
        made.samples(cell, [{"t_us": 0, "used": 5, "cpu_service_s": 0.25}, {"t_us": 50_000, "used": None}]),
        [made.event(cell, 1.5, "leak", "kept, 1 of 5: 200")],
    )


def save(store: Store, run: Run, cell: Cell) -> None:
    requests, samples, events = rows_of(cell)
    store.save_cell(run, cell, requests, samples, events)


def assert_stored(stored: Stored, run: Run, *cells: Cell) -> None:
    """`stored` is `run` with the rows of `cells`, in this order."""
    parts = [rows_of(cell) for cell in cells]
    assert stored.run == run
    assert_frame_equal(stored.requests, pl.concat([part[0] for part in parts]))
    assert_frame_equal(stored.samples, pl.concat([part[1] for part in parts]))
    assert stored.events == tuple(event for part in parts for event in part[2])


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    store = Store(tmp_path / "deep" / "run")
    assert store.stored is None
    save(store, made.run([A]), A)
    save(store, made.run([A, B]), B)
    assert_stored(load(tmp_path / "deep" / "run"), made.run([A, B]), A, B)
    assert {path.name for path in store.directory.iterdir()} == FILES
    assert load(store.directory).requests.schema == {name: made.TYPES[kind] for name, kind in REQUEST_COLUMNS.items()}


def test_only_an_empty_directory_of_its_own_is_taken_away_again(tmp_path: Path) -> None:
    Store(tmp_path).leave()
    Store(tmp_path / "empty").leave()
    kept = Store(tmp_path / "run")
    save(kept, made.run([A]), A)
    kept.leave()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_cell_without_rows_is_kept_by_its_record(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save_cell(made.run([FAILED]), FAILED, None, None)
    stored = load(tmp_path)
    assert stored.run == made.run([FAILED])
    assert (stored.requests.columns, stored.requests.height) == (list(REQUEST_COLUMNS), 0)
    assert (stored.samples.columns, stored.samples.height) == (list(POOL_COLUMNS), 0)


def test_narrower_types_are_taken(tmp_path: Path) -> None:
    requests, samples, _ = rows_of(A)
    narrow = requests.with_columns(
        pl.col("error").cast(pl.Categorical), pl.col("status").cast(pl.UInt16), pl.col("n").cast(pl.UInt32)
    )
    Store(tmp_path).save_cell(made.run([A]), A, narrow, samples)
    assert_frame_equal(load(tmp_path).requests, requests)


def test_rows_of_another_cell_are_a_bug(tmp_path: Path) -> None:
    requests, samples, _ = rows_of(B)
    with pytest.raises(ValueError, match="psycopg_flask"):
        Store(tmp_path).save_cell(made.run([A]), A, requests, samples)


def test_a_cell_that_is_run_again_replaces_the_first_try(tmp_path: Path) -> None:
    store = Store(tmp_path)
    save(store, made.run([A]), A)
    save(store, made.run([A, B]), B)
    again = replace(A, rss_mb=70.0)
    requests, samples, events = rows_of(A)
    store.save_cell(made.run([A, B, again]), again, requests.head(3), samples, events)
    stored = load(tmp_path)
    assert stored.run == made.run([B, again])
    assert_frame_equal(stored.requests, pl.concat([rows_of(B)[0], requests.head(3)]))


def test_resume_goes_on_with_what_is_there(tmp_path: Path) -> None:
    save(Store(tmp_path), made.run([A]), A)
    store = Store(tmp_path, resume=True)
    assert store.stored is not None
    assert_stored(store.stored, made.run([A]), A)
    save(store, made.run([A, B]), B)
    assert_stored(load(tmp_path), made.run([A, B]), A, B)


def test_resume_forgets_the_cells_that_the_run_no_longer_has(tmp_path: Path) -> None:
    before = Store(tmp_path)
    save(before, made.run([A]), A)
    save(before, made.run([A, FAILED]), FAILED)
    save(Store(tmp_path, resume=True), made.run([A, B]), B)
    assert_stored(load(tmp_path), made.run([A, B]), A, B)


@pytest.mark.parametrize("survives", range(6))
@pytest.mark.parametrize("step", ["write_bytes", "replace"])
def test_a_crash_in_the_middle_leaves_whole_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, survives: int
) -> None:
    """A new cell is there or not; a cell that is run again is there as it was, as it is, or not at all."""
    store = Store(tmp_path)
    save(store, made.run([A]), A)
    save(store, made.run([A, B]), B)
    original, calls = getattr(Path, step), 0

    def crash(path: Path, given: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > survives:
            if step == "write_bytes":
                original(path, given[: len(given) // 2])
            raise KeyboardInterrupt
        original(path, given)

    again = replace(A, rss_mb=70.0)
    shorter = rows_of(A)[0].head(3)
    with monkeypatch.context() as patched:
        patched.setattr(Path, step, crash)
        try:
            store.save_cell(made.run([B, again]), again, shorter, *rows_of(A)[1:])
            finished = True
        except KeyboardInterrupt:
            finished = False
    stored = load(tmp_path)
    kept = {cell.key: cell for cell in stored.run.cells}
    rows = stored.requests.filter(pl.col("service") == A.service).height
    assert kept[B.key] == B
    assert finished == (survives >= 5)
    assert (kept.get(A.key), rows) in ([(again, 3)] if finished else [(A, 8), (None, 0)])
    # And the next one goes on as if nothing had happened.
    resumed = Store(tmp_path, resume=True)
    resumed.save_cell(made.run([B, again]), again, shorter, *rows_of(A)[1:])
    assert load(tmp_path).run == made.run([B, again])
    assert {path.name for path in tmp_path.iterdir()} == FILES


def test_save_run_changes_what_is_said_of_the_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    save(store, made.run([A]), A)
    store.save_run(replace(made.run([A]), took_s=12.5))
    assert load(tmp_path).run.took_s == 12.5


def test_summary_and_report_are_written(tmp_path: Path) -> None:
    store = Store(tmp_path)
    cell = CellSummary(scenario="one", service="s", repetitions=5, metrics={"ok": Figure(value=1, low=0.5, high=2)})
    store.save_summary(Summary(schema=1, cells=(cell, cell)))
    store.save_report("# Results\n")
    expected = {
        "scenario": "one",
        "service": "s",
        "repetitions": 5,
        "metrics": {"ok": {"value": 1, "low": 0.5, "high": 2}},
    }
    found = json.loads((tmp_path / "summary.json").read_text())
    assert found == {"schema": 1, "cells": [expected, expected], "comparisons": []}
    assert (tmp_path / "report.md").read_text() == "# Results\n"


def test_a_directory_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match=r"is not empty: name another directory with --out, or add --resume"):
        Store(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_the_way_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write to .*: name another directory with --out"):
        Store(tmp_path / "file" / below)


def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    # Root may write anywhere, so that the refusal is made here.
    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(UserError, match=r"cannot write to .* \(Permission denied\): name another directory"):
        Store(tmp_path)


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    save(store, made.run([A]), A)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(UserError, match=r"No space left on device\): put that right and go on with --resume"):
            save(store, made.run([A, B]), B)
    assert_stored(load(tmp_path), made.run([A]), A)


def test_nothing_to_read_says_how_to_make_it(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UserError, match=r"no run in .*: `bench run --out .*` makes one"):
            load(directory)
    with pytest.raises(UserError, match="no run in"):
        Store(tmp_path / "missing", resume=True)
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("run.json", b'{"schema": 3}', "has schema 3, and this bench reads 1 to 2"),
        ("run.json", b"{", "cannot be read"),
        ("run.json", b"[]", "cannot be read"),
        ("run.json", b'{"schema": 1}', r"cannot be read \(environment: Field required\)"),
        ("requests.parquet", b"PAR1", "cannot be read"),
        ("events.jsonl", b'{"t_s": 1}\n', r"cannot be read \(scenario: Field required\)"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    save(Store(tmp_path), made.run([A]), A)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=says) as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["requests.parquet", "pool.parquet", "events.jsonl"])
def test_a_missing_file_is_said(tmp_path: Path, name: str) -> None:
    save(Store(tmp_path), made.run([A]), A)
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match=f"{name} cannot be read"):
        load(tmp_path)


def test_a_row_takes_less_than_twenty_bytes(tmp_path: Path) -> None:
    """What a repository can carry: times that no compression can foresee, in a file of many rows."""
    rows = []
    for n in range(20_000):
        jitter = n * 2_654_435_761 % 2**32
        acquire, late = jitter % 1_000_000, jitter % 2_000
        rows.append(
            {
                "user": n % 50,
                "sent_us": n * 20_000 + late,
                "finished_us": n * 20_000 + acquire + 100_000 + 2 * late,
                "acquire_us": acquire,
                "work_us": 100_000 + late % 700,
                "release_us": 20 + late % 90,
                "app_us": acquire + 100_000 + late,
            }
        )
    Store(tmp_path).save_cell(made.run([A]), A, made.requests(A, rows), None)
    assert (tmp_path / "requests.parquet").stat().st_size < 20 * len(rows)
