"""In: rows, headers and bodies. Out: columns, durations and errors."""

import math
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from bench.load.protocol import decode_job, encode_job
from bench.load.samples import (
    NO_TIMING,
    ROW,
    SampleError,
    SampleWriter,
    answer_error,
    read_samples,
    server_timing,
)
from bench.scenarios.loads import Burst, Closed, Drive, Load, Open, Sequential, Share, Stage

SERVED = (0.125, 20.5, 0.25, 21.0)


def write(path: Path) -> None:
    writer = SampleWriter(path)
    served = SampleError.none
    writer.add(
        n=1,
        user=4,
        path=2,
        planned_s=0.1,
        sent_s=0.2,
        finished_s=1 / 3,
        status=200,
        error=served,
        timing=SERVED,
    )
    writer.flush()
    gone = SampleError.gave_up
    writer.add(
        n=0,
        user=3,
        path=0,
        planned_s=math.nan,
        sent_s=0.1,
        finished_s=9.0,
        status=0,
        error=gone,
        timing=NO_TIMING,
    )
    writer.close()


EXPECTED = pl.DataFrame(
    {
        "n": [0, 1],
        "user": [3, 4],
        "path": [0, 2],
        "planned_s": [math.nan, 0.1],
        "sent_s": [0.1, 0.2],
        "finished_s": [9.0, 1 / 3],
        "status": [0, 200],
        "acquire_ms": [math.nan, 0.125],
        "work_ms": [math.nan, 20.5],
        "release_ms": [math.nan, 0.25],
        "app_ms": [math.nan, 21.0],
        "error": ["gave_up", "none"],
    },
    schema_overrides={
        "n": pl.UInt32,
        "user": pl.UInt32,
        "path": pl.UInt16,
        "status": pl.UInt16,
        "error": pl.Enum([error.name for error in SampleError]),
    },
)


def test_rows_come_back_whole_and_in_order_of_sending(tmp_path: Path) -> None:
    write(tmp_path / "rows")
    assert_frame_equal(read_samples(tmp_path / "rows"), EXPECTED, check_exact=True)


def test_a_row_cut_off_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "rows")
    with (tmp_path / "rows").open("ab") as file:
        file.write(b"x" * (ROW.size - 1))
    assert_frame_equal(read_samples(tmp_path / "rows"), EXPECTED, check_exact=True)


def test_an_empty_file_has_the_columns(tmp_path: Path) -> None:
    (tmp_path / "rows").touch()
    assert_frame_equal(read_samples(tmp_path / "rows"), EXPECTED.clear())


def test_more_rows_than_a_block(tmp_path: Path) -> None:
    row = ROW.pack(7, 0, 0, 200, 0, *[1.0] * 7)
    (tmp_path / "rows").write_bytes(row * 70_000)
    assert read_samples(tmp_path / "rows").height == 70_000


@pytest.mark.parametrize(
    ("header", "timing"),
    [
        ("acquire;dur=1.5, work;dur=20, release;dur=1e-2, app;dur=21.625", (1.5, 20.0, 0.01, 21.625)),
        ("app;dur=3,acquire;dur=2", (2.0, math.nan, math.nan, 3.0)),
        ("framework;dur=9, cache, acquire;dur=fast, work", NO_TIMING),
        ("", NO_TIMING),
        (None, NO_TIMING),
    ],
)
def test_server_timing(header: str | None, timing: tuple[float, ...]) -> None:
    assert server_timing(header) == pytest.approx(timing, abs=0, nan_ok=True)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"no JSON, and none is needed", "none"),
        (503, b'{"detail":{"error":"pool_exhausted","cause":"x"}}', "pool_exhausted"),
        (503, b'{"detail":{"error":"pool_growing"}}', "pool_growing"),
        (503, b'{"detail":{"error":"database_unavailable"}}', "database_unavailable"),
        (503, b'{"detail":{"error":"gave_up"}}', "other"),
        (503, b"<html>upstream</html>", "other"),
        (500, b'{"detail":"leaked"}', "other"),
        (404, b"[]", "other"),
        (502, b"\xff", "other"),
    ],
)
def test_errors_of_answers(status: int, body: bytes, error: str) -> None:
    assert answer_error(status, body) is SampleError[error]


@pytest.mark.parametrize(
    "load",
    [
        Sequential(requests=3),
        Burst(requests=9),
        Closed(stages=(Stage(users=1, seconds=0), Stage(users=3, seconds=0.1)), think_s=0.5),
        Open(rate_per_s=1 / 3, seconds=7, arrivals="uniform"),
    ],
)
def test_a_job_survives_its_line(load: Load) -> None:
    mix = (Share(path="/api/query?hold_ms=5", weight=0.1), Share(path="/api/noop"))
    drive = Drive(base_url="http://x:1", load=load, mix=mix, seed=-5, give_up_s=1e-3)
    line = encode_job(drive, Path("/tmp/a b"))
    assert "\n" not in line
    assert decode_job(line) == (drive, Path("/tmp/a b"))
