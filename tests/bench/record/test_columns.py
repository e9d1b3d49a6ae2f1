"""What players have written, as the record has it."""

import math
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from bench.record.columns import keyed, pool_frame, read_requests
from bench.record.rows import POOL_COLUMNS, REQUEST_COLUMNS, Row
from services.workload.loads import Share
from services.workload.samples import NO_TIMING, ROW, SampleError, SampleWriter
from tests.bench import made

SERVED = (0.125, 20.5, 0.25, 21.0)
MIX = (Share(path="/a"), Share(path="/b"), Share(path="/c"))


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
        "path": ["/a", "/c"],
        "planned_us": [None, 100_000],
        "sent_us": [100_000, 200_000],
        "finished_us": [9_000_000, 333_333],
        "status": [0, 200],
        "error": ["gave_up", "none"],
        "acquire_us": [None, 125],
        "work_us": [None, 20_500],
        "release_us": [None, 250],
        "app_us": [None, 21_000],
    },
)


def test_rows_come_back_whole_and_in_order_of_sending(tmp_path: Path) -> None:
    write(tmp_path / "rows")
    assert_frame_equal(read_requests(tmp_path / "rows", MIX), EXPECTED, check_exact=True)


def test_a_row_cut_off_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "rows")
    with (tmp_path / "rows").open("ab") as file:
        file.write(b"x" * (ROW.size - 1))
    assert_frame_equal(read_requests(tmp_path / "rows", MIX), EXPECTED, check_exact=True)


def test_an_empty_file_has_the_columns(tmp_path: Path) -> None:
    (tmp_path / "rows").touch()
    assert_frame_equal(read_requests(tmp_path / "rows", MIX), EXPECTED.clear())


def test_more_rows_than_are_read_at_once(tmp_path: Path) -> None:
    row = ROW.pack(7, 0, 0, 200, 0, *[1.0] * 7)
    (tmp_path / "rows").write_bytes(row * 70_000)
    assert read_requests(tmp_path / "rows", MIX).height == 70_000


def test_with_a_cell_s_key_they_are_the_columns_of_the_record(tmp_path: Path) -> None:
    write(tmp_path / "rows")
    cell = made.cell("one", repetition=2)

    requests = keyed(cell, read_requests(tmp_path / "rows", MIX))
    samples = keyed(cell, pool_frame([Row(5, 1, 2, 3, 4, 5)]))

    assert requests.schema == made.requests(cell, []).schema
    assert samples.schema == made.samples(cell).schema
    assert (tuple(requests.columns), tuple(samples.columns)) == (tuple(REQUEST_COLUMNS), tuple(POOL_COLUMNS))
    assert requests.select("scenario", "service", "repetition").unique().rows() == [cell.key]
    assert samples.rows() == [(*cell.key, 5, 1, 2, 3, 4, 5, *[None] * 8)]
    assert keyed(cell, pool_frame(())).schema == samples.schema
