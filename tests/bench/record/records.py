"""Records for the store's tests: three cells, their rows, and what must be read of them."""

import polars as pl
from polars.testing import assert_frame_equal

from bench.record.schema import Cell, Event, Run
from bench.record.store import Store
from bench.record.stored import Stored
from tests.bench import made

MERGED = {"run.json", "requests.parquet", "pool.parquet", "events.jsonl", "SHA256SUMS"}

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
    nothing = rows_of(A)
    assert_frame_equal(stored.requests, pl.concat([nothing[0].clear(), *(part[0] for part in parts)]))
    assert_frame_equal(stored.samples, pl.concat([nothing[1].clear(), *(part[1] for part in parts)]))
    assert stored.events == tuple(event for part in parts for event in part[2])
    read = {each.cell.key: each for each in stored.rows()}
    assert read.keys() == {cell.key for cell in run.cells}
    for cell in cells:
        requests, samples, events = rows_of(cell)
        found = read[cell.key]
        assert (found.cell, found.events) == (cell, tuple(events))
        assert_frame_equal(found.requests, requests)
        assert_frame_equal(found.samples, samples)
