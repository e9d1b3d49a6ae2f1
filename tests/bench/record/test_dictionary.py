"""The dictionary of a run's tables: in the files themselves, and true of what is stored."""

import json
from pathlib import Path
from typing import get_args

import polars as pl
import pytest

from bench.analysis.outages import ENDED, FROZEN, GOES_ON
from bench.record.dictionary import CELLS, EVENTS, POOL, REQUESTS, Table
from bench.record.schema import Status
from bench.record.store import Store
from bench.record.stored import load
from generate.files import ROOT
from services.workload.samples import LEAK, RELEASE
from tests.bench import made
from tests.bench.record.records import A, save

RUNS = sorted(path.parent for path in (ROOT / "results").glob("*/SHA256SUMS"))


def values(table: Table, column: str) -> set[str]:
    """The allowed ones, where they are names."""
    return {name.strip("`") for name in table.columns[column].values.split(", ")}


def test_a_run_carries_its_dictionary(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        save(store, made.run([A]), A)

    for name, table in (("requests", REQUESTS), ("pool", POOL)):
        file = tmp_path / f"{name}.parquet"
        carried = pl.read_parquet_metadata(file)
        carried.pop("ARROW:schema")
        assert carried.pop("row") == table.row
        assert carried.keys() == table.columns.keys()
        assert list(table.columns) == list(pl.read_parquet_schema(file))
    assert json.loads(pl.read_parquet_metadata(tmp_path / "requests.parquet")["planned_us"]) == {
        "unit": "µs",
        "text": "When it was planned to be sent, from the start of the cell's load. Latency counts from here.",
        "null": "the load has no plan (sequential, closed): latency counts from `sent_us`",
        "values": "",
    }


def test_names_are_those_that_a_run_uses() -> None:
    assert values(EVENTS, "kind") == {LEAK, RELEASE, ENDED, FROZEN, GOES_ON}
    assert values(CELLS, "status") == set(get_args(Status))


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_it_is_true_of_a_stored_run(run: Path) -> None:
    stored = load(run)

    assert stored.run.cells
    for table, frame in ((REQUESTS, stored.requests), (POOL, stored.samples)):
        never = [name for name, column in table.columns.items() if not column.null]
        counts = [name for name, column in table.columns.items() if column.values == "0 or more"]
        assert [name for name in never if frame[name].null_count()] == []
        assert [name for name in counts if (frame[name] < 0).any()] == []
    assert set(stored.requests["error"]) <= values(REQUESTS, "error")
    assert {event.kind for event in stored.events} <= values(EVENTS, "kind")
