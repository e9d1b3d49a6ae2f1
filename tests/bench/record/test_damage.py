"""Records that were cut off, killed while they were written, or changed since: nothing is lost or unnoticed."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from bench.errors import UserError
from bench.record.store import Store
from bench.record.stored import Stored, load
from tests.bench import made
from tests.bench.record.records import FAILED, MERGED, A, B, assert_stored, rows_of, save

AGAIN = replace(A, rss_mb=70.0)
SHORTER = rows_of(A)[0].head(3)
PLAYED_AGAIN = replace(made.run([B, AGAIN]), replaced=(A,))


class CutOff(BaseException):
    """As a kill is: nothing of ours handles it."""


class _Cuts:
    """Ends whoever touches a file below a directory for the n-th time; the hook itself stays for good."""

    def __init__(self) -> None:
        self.below = ""
        self.left = -1
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.below or not (event == "open" or event.startswith("os.")):
            return
        if any(isinstance(each, str | Path) and str(each).startswith(self.below) for each in arguments):
            if self.left == 0:
                self.below = ""
                raise CutOff
            self.left -= 1


CUTS = _Cuts()


@contextmanager
def cut_off(directory: Path, after: int) -> Iterator[Callable[[], bool]]:
    """Cuts the block off after so many touches of files; says afterwards whether it was."""
    CUTS.below, CUTS.left = str(directory), after
    was = False
    try:
        yield lambda: was
    except CutOff:
        was = True
    finally:
        CUTS.below = ""


def begun(directory: Path) -> Store:
    """A store that has kept two cells, and not merged them."""
    store = Store(directory)
    save(store, made.run([A]), A)
    save(store, made.run([A, B]), B)
    return store


def killed(store: Store) -> None:
    """What a kill leaves of a store in this process: nothing, and its lock is let go of."""
    os.close(store._lock)


@pytest.mark.parametrize("merged", [True, False], ids=["merged", "in its cells"])
def test_a_save_that_is_cut_off_anywhere_leaves_whole_cells(tmp_path: Path, merged: bool) -> None:
    """A cell that is played again is there as it was, or as it is; and the run goes on as if nothing had happened."""
    cuts = 0
    for after in range(100):
        directory = tmp_path / str(after)
        first = begun(directory)
        if merged:
            first.merge()
        killed(first)
        with Store(directory, resume=True) as store:
            with cut_off(directory, after) as was_cut:
                store.save_cell(PLAYED_AGAIN, AGAIN, SHORTER, *rows_of(A)[1:])
            store._unmerged = False  # it was killed
        assert_before_or_after(load(directory), saved=not was_cut())
        if not was_cut():
            break
        cuts += 1
        with Store(directory, resume=True) as store:
            store.save_cell(PLAYED_AGAIN, AGAIN, SHORTER, *rows_of(A)[1:])
        assert_before_or_after(load(directory), saved=True)
        assert {path.name for path in directory.iterdir()} == MERGED
    assert cuts >= 2, cuts


@pytest.mark.parametrize("resumed", [False, True])
def test_a_merge_that_is_cut_off_anywhere_loses_nothing(tmp_path: Path, resumed: bool) -> None:
    cuts = 0
    for after in range(int(resumed), 100, 2):  # the one takes the even steps, the other the odd ones
        directory = tmp_path / str(after)
        store = begun(directory)
        if resumed:
            store.merge()
            killed(store)
            store = Store(directory, resume=True)
        store.save_cell(PLAYED_AGAIN, AGAIN, SHORTER, *rows_of(A)[1:])
        with cut_off(directory, after) as was_cut:
            store.merge()
        killed(store)
        assert_before_or_after(load(directory), saved=True)
        if not was_cut():
            break
        cuts += 1
        with Store(directory, resume=True):
            pass
        assert_before_or_after(load(directory), saved=True)
        assert {path.name for path in directory.iterdir()} == MERGED
    assert cuts >= 20, cuts


def assert_before_or_after(stored: Stored, *, saved: bool) -> None:
    kept = {cell.key: cell for cell in stored.run.cells}
    rows = stored.requests.filter(pl.col("service") == A.service).height
    assert kept[B.key] == B
    assert (kept[A.key], rows, stored.run.replaced) == ((AGAIN, 3, (A,)) if saved else (A, 8, ()))


@pytest.mark.parametrize("resume", [False, True])
def test_a_first_save_that_is_cut_off_anywhere_blocks_nothing(tmp_path: Path, resume: bool) -> None:
    cuts = 0
    for after in range(100):
        directory = tmp_path / str(after)
        store = Store(directory)
        with cut_off(directory, after) as was_cut:
            save(store, made.run([A]), A)
        killed(store)
        if not was_cut():
            break
        cuts += 1
        (directory / ".report.md.unfinished").touch()  # of a run that was over at once
        if not any(directory.glob("cells")):
            directory.joinpath("cells").mkdir()
        with Store(directory, resume=resume) as store:
            save(store, made.run([A]), A)
        assert_stored(load(directory), made.run([A]), A)
        assert {path.name for path in directory.iterdir()} == MERGED
    assert cuts >= 3, cuts


SAVES = """
import sys
from bench.record.store import Store
from tests.bench import made
from tests.bench.record.records import rows_of
with Store(sys.argv[1]) as store:
    run = made.run()
    for number in range(10_000):
        cell = made.cell(repetition=number)
        run = made.run((*run.cells, cell))
        store.save_cell(run, cell, *rows_of(cell))
        print(number, flush=True)
"""


@pytest.mark.parametrize("until", [1, 17, 60])
def test_a_killed_run_has_every_cell_that_it_said_it_had(tmp_path: Path, until: int) -> None:
    writer = subprocess.Popen([sys.executable, "-c", SAVES, tmp_path / "run"], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for line in writer.stdout:
        if int(line) == until:
            break
    writer.send_signal(signal.SIGKILL)
    said = until + 1 + len(writer.stdout.read().split())
    writer.wait()
    writer.stdout.close()

    stored = load(tmp_path / "run")
    cells = [made.cell(repetition=number) for number in range(len(stored.run.cells))]
    assert len(cells) in (said, said + 1)
    assert_stored(stored, made.run(cells), *cells)
    with Store(tmp_path / "run", resume=True):
        pass
    assert_stored(load(tmp_path / "run"), made.run(cells), *cells)


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with Store(tmp_path) as store:
        save(store, made.run([A]), A)
        with monkeypatch.context() as patched:
            patched.setattr(Path, "write_bytes", full)
            with pytest.raises(UserError, match=r"No space left on device\): put that right and go on with --resume"):
                save(store, made.run([A, B]), B)
        with monkeypatch.context() as patched:
            patched.setattr(pl.LazyFrame, "sink_parquet", full)
            with pytest.raises(UserError, match=r"No space left on device\): put that right and go on with --resume"):
                store.merge()
        assert_stored(load(tmp_path), made.run([A]), A)
    assert_stored(load(tmp_path), made.run([A]), A)


@pytest.mark.parametrize("merged", [True, False], ids=["merged", "in its cells"])
def test_a_changed_byte_is_noticed_wherever_it_is(tmp_path: Path, merged: bool) -> None:
    with Store(tmp_path) as store:
        save(store, made.run([A]), A)
        save(store, made.run([A, B]), B)
        if not merged:
            store._unmerged = False
    draw = random.Random(7)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 5
    for path in files:
        content = path.read_bytes()
        for at in {0, len(content) - 1, *draw.sample(range(len(content)), 12)}:
            changed = bytearray(content)
            changed[at] ^= 1 << draw.randrange(8)
            path.write_bytes(changed)
            with pytest.raises(UserError, match=r"cannot be read|has schema") as caught:
                list(load(tmp_path).rows())
            assert "\n" not in str(caught.value)
        path.write_bytes(content)
    assert_stored(load(tmp_path), made.run([A, B]), A, B)


def test_a_line_that_was_cut_off_is_no_damage(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        save(store, made.run([A]), A)
        store._unmerged = False
    journal = tmp_path / "cells" / "journal.jsonl"
    with journal.open("ab") as file:
        file.write(b'0123abcd {"cell"')
    assert_stored(load(tmp_path), made.run([A]), A)
    with Store(tmp_path, resume=True) as store:
        save(store, made.run([A, FAILED]), FAILED)
        assert_stored(load(tmp_path), made.run([A, FAILED]), A, FAILED)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("run.json", b'{"schema": 3}', "has schema 3, and this bench reads 1 to 2"),
        ("run.json", b"{", "cannot be read"),
        ("run.json", b"[]", "cannot be read"),
        ("run.json", b"[" * 100_000, "cannot be read"),
        ("run.json", b'{"schema": 1}', r"cannot be read \(environment: Field required\)"),
        ("requests.parquet", b"PAR1", "cannot be read"),
        ("pool.parquet", b"", "cannot be read"),
        ("events.jsonl", b'{"t_s": 1}\n', r"cannot be read \(scenario: Field required\)"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    """Of a record without checksums, as older ones are."""
    with Store(tmp_path) as store:
        save(store, made.run([A]), A)
    (tmp_path / "SHA256SUMS").unlink()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=says) as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("checksums", [True, False])
@pytest.mark.parametrize("name", ["requests.parquet", "pool.parquet", "events.jsonl"])
def test_a_missing_file_is_said(tmp_path: Path, name: str, checksums: bool) -> None:
    with Store(tmp_path) as store:
        save(store, made.run([A]), A)
    if not checksums:
        (tmp_path / "SHA256SUMS").unlink()
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match=f"{name} cannot be read"):
        load(tmp_path)


def test_a_run_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "run.json").mkdir()  # for root everything is readable, but a folder is no file
    with pytest.raises(UserError, match=r"run.json cannot be read \(Is a directory\)"):
        load(tmp_path)
