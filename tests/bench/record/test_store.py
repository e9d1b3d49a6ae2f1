"""The store: what goes in comes out, in the middle of a run and when it has ended; and who is refused."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from bench.errors import UserError
from bench.record import stored
from bench.record.rows import POOL_COLUMNS, REQUEST_COLUMNS
from bench.record.store import Store
from bench.record.stored import load
from bench.record.summary import CellSummary, Figure, Summary
from tests.bench import made
from tests.bench.record.records import FAILED, MERGED, A, B, assert_stored, rows_of, save


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "run"
    with Store(directory) as store:
        assert store.stored is None
        save(store, made.run([A]), A)
        assert_stored(load(directory), made.run([A]), A)
        save(store, made.run([A, B]), B)
        assert_stored(load(directory), made.run([A, B]), A, B)
        assert {path.name for path in directory.iterdir()} == {"cells"}

    assert_stored(load(directory), made.run([A, B]), A, B)
    assert {path.name for path in directory.iterdir()} == MERGED
    assert load(directory).requests.schema == {name: made.TYPES[kind] for name, kind in REQUEST_COLUMNS.items()}
    checked = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=directory, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout.count(b": OK")) == (0, 4)


def test_only_an_empty_directory_of_its_own_is_taken_away_again(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for name in ("there", "made"):
        with Store(tmp_path / name):
            pass
    with Store(tmp_path / "run") as kept:
        save(kept, made.run([A]), A)
    assert {path.name for path in tmp_path.iterdir()} == {"there", "run"}


def test_a_cell_without_rows_is_kept_by_its_record(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.save_cell(made.run([FAILED]), FAILED, None, None)
        assert_stored(load(tmp_path), made.run([FAILED]))
    assert_stored(load(tmp_path), made.run([FAILED]))
    assert load(tmp_path).requests.columns == list(REQUEST_COLUMNS)
    assert load(tmp_path).samples.columns == list(POOL_COLUMNS)


def test_narrower_types_are_taken(tmp_path: Path) -> None:
    requests, samples, _ = rows_of(A)
    narrow = requests.with_columns(
        pl.col("error").cast(pl.Categorical), pl.col("status").cast(pl.UInt16), pl.col("n").cast(pl.UInt32)
    )
    with Store(tmp_path) as store:
        store.save_cell(made.run([A]), A, narrow, samples)
    assert_frame_equal(load(tmp_path).requests, requests)


def test_rows_of_another_cell_are_a_bug(tmp_path: Path) -> None:
    requests, samples, _ = rows_of(B)
    with Store(tmp_path) as store, pytest.raises(ValueError, match="psycopg_flask"):
        store.save_cell(made.run([A]), A, requests, samples)


def test_a_cell_that_is_run_again_replaces_the_first_try(tmp_path: Path) -> None:
    again = replace(A, rss_mb=70.0)
    run = replace(made.run([B, again]), replaced=(A,))
    requests, samples, events = rows_of(A)
    with Store(tmp_path) as store:
        save(store, made.run([A]), A)
        save(store, made.run([A, B]), B)
        store.save_cell(run, again, requests.head(3), samples, events)
        midway = load(tmp_path)
        assert_frame_equal(midway.requests, pl.concat([rows_of(B)[0], requests.head(3)]))
    assert_frame_equal(load(tmp_path).requests, midway.requests)
    assert midway.run == load(tmp_path).run == run


@pytest.mark.parametrize("merged", [True, False], ids=["merged", "in its cells"])
def test_resume_goes_on_with_what_is_there(tmp_path: Path, merged: bool) -> None:
    """What is dropped is forgotten, and what is played again counts once, whatever lies below."""
    first = replace(made.run([FAILED, A]), took_s=5.0)
    with Store(tmp_path) as store:
        save(store, made.run([FAILED]), FAILED)
        save(store, first, A)
        if not merged:
            abandon(store)

    again = replace(FAILED, status="ok", why=None, log_tail=None)
    second = replace(made.run([A, B]), took_s=7.0)
    last = replace(made.run([B, again]), replaced=(A,), took_s=9.0)
    with Store(tmp_path, resume=True) as store:
        assert store.stored is not None
        assert_stored(store.stored, first, FAILED, A)
        save(store, second, B)
        assert_stored(load(tmp_path), second, A, B)
        save(store, last, again)
        assert_stored(load(tmp_path), last, B, again)
        abandon(store)

    with Store(tmp_path, resume=True) as store:
        assert store.stored is not None
        assert_stored(store.stored, last, B, again)
    assert_stored(load(tmp_path), last, B, again)
    assert {path.name for path in tmp_path.iterdir()} == MERGED


def abandon(store: Store) -> None:
    """As if the process were killed now: nothing more is written."""
    store._unmerged = False


def test_resume_with_nothing_to_add_merges_what_was_left(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        save(store, made.run([A]), A)
        abandon(store)
    with Store(tmp_path, resume=True):
        pass
    assert {path.name for path in tmp_path.iterdir()} == MERGED
    assert_stored(load(tmp_path), made.run([A]), A)


@pytest.mark.parametrize("rows_at_once", [1, 7, 8, 9, 16, 17])
def test_cells_are_read_one_after_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_at_once: int) -> None:
    monkeypatch.setattr(stored, "_AT_ONCE", rows_at_once)
    with Store(tmp_path) as store:
        save(store, made.run([A]), A)
        save(store, made.run([A, FAILED]), FAILED)
        store.save_cell(made.run([A, FAILED, B]), B, *rows_of(B))
        assert_stored(load(tmp_path), made.run([A, FAILED, B]), A, FAILED, B)
    assert_stored(load(tmp_path), made.run([A, FAILED, B]), A, FAILED, B)
    assert [each.cell for each in load(tmp_path).rows([B.key])] == [B]


def test_at_the_end_of_a_run_what_is_said_of_it_is_kept(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        save(store, made.run([A]), A)
        store.merge(replace(made.run([A]), took_s=12.5))
        assert load(tmp_path).run.took_s == 12.5
        save(store, made.run([A, B]), B)
    assert_stored(load(tmp_path), made.run([A, B]), A, B)


def test_summary_and_report_are_written(tmp_path: Path) -> None:
    cell = CellSummary(scenario="one", service="s", repetitions=5, metrics={"ok": Figure(value=1, low=0.5, high=2)})
    with Store(tmp_path) as store:
        store.save_summary(Summary(schema=1, cells=(cell, cell)))
        store.save_report("# Results\n")
    expected = {
        "scenario": "one",
        "service": "s",
        "repetitions": 5,
        "metrics": {"ok": {"value": 1, "low": 0.5, "high": 2}},
    }
    found = json.loads((tmp_path / "summary.json").read_text())
    assert found == {"schema": 1, "cells": [expected, expected], "disturbed": [], "comparisons": []}
    assert (tmp_path / "report.md").read_text() == "# Results\n"


def test_a_directory_with_something_in_it_is_refused(tmp_path: Path) -> None:
    for name in ("cells", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").touch()
        with pytest.raises(UserError, match=r"is not empty: name another directory with --out, or add --resume"):
            Store(tmp_path)
        assert (tmp_path / name / "mine.txt").exists()


def test_while_a_run_writes_no_other_does(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    other = f"from bench.record.store import Store; Store({str(directory)!r}, resume=True)"
    with Store(directory) as store:
        save(store, made.run([A]), A)
        for resume in (False, True):
            with pytest.raises(UserError, match=r"another run writes to .*/run: wait until it has ended, or name"):
                Store(directory, resume=resume)
        elsewhere = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=False)
        assert "UserError: another run writes to" in elsewhere.stderr
        assert_stored(load(directory), made.run([A]), A)
    with Store(directory, resume=True):
        pass


@pytest.mark.parametrize("below", ["", "deeper", "n" * 300])
def test_what_is_in_the_way_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / below if len(below) < 256 else tmp_path / below
    with pytest.raises(UserError, match=r"cannot write to .*: name another directory with --out"):
        Store(path)
    with pytest.raises(UserError, match=r"no run in|cannot be read"):
        load(path)


def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    # Root may write anywhere, so that the refusal is made here.
    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(UserError, match=r"cannot write to .* \(Permission denied\): name another directory"):
        Store(tmp_path)


def test_nothing_to_read_says_how_to_make_it(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UserError, match=r"no run in .*: `bench run --out .*` makes one"):
            load(directory)
        with pytest.raises(UserError, match="no run in"):
            Store(directory, resume=True)
    assert not (tmp_path / "missing").exists()


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
    with Store(tmp_path) as store:
        store.save_cell(made.run([A]), A, made.requests(A, rows), None)
    assert (tmp_path / "requests.parquet").stat().st_size < 20 * len(rows)
