"""Runs that an older bench has written, read as if this one had."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from bench.record.layout import CHECKSUMS
from bench.record.readings import SamplerEffect
from bench.record.schema import SCHEMA
from bench.record.store import Store
from bench.record.stored import Stored, load
from bench.record.upgrade import READABLE
from tests.bench import made

CELL = made.cell(repetition=2)
REPLACED = made.cell(repetition=2, status="rejected", why="late")
EFFECT = SamplerEffect(
    scenario=CELL.scenario,
    service=CELL.service,
    repetition=2,
    primary="latency_ms_p99_all",
    primary_with=2.5,
    primary_without=2.0,
    goodput_with_per_s=40.0,
    goodput_without_per_s=50.0,
)
RUN = replace(made.run([CELL]), replaced=(REPLACED,), sampler_effect=EFFECT)


@pytest.fixture
def today(tmp_path: Path) -> Stored:
    """A run of a cell that was played again and once without the sampler, written by this bench."""
    requests = made.requests(CELL, made.fifo_burst(8, 5, 100_000, 150_000))
    samples = made.samples(CELL, [{"t_us": 0, "used": 5}])
    with Store(tmp_path) as store:
        store.save_cell(RUN, CELL, requests, samples, [made.event(CELL, 1.5, "leak", "kept, 1 of 5: 200")])
    (tmp_path / CHECKSUMS).unlink()  # older records have none
    stored = load(tmp_path)
    return Stored.of(stored.run, stored.requests, stored.samples, stored.events)


def rewrite(directory: Path, record: dict[str, Any]) -> None:
    (directory / "run.json").write_text(json.dumps(record))


def test_every_schema_up_to_this_one_is_readable() -> None:
    assert list(READABLE) == list(range(1, SCHEMA + 1))


def test_a_run_from_before_there_were_targets_is_a_local_one(tmp_path: Path, today: Stored) -> None:
    old = json.loads((tmp_path / "run.json").read_text())
    del old["plan"]["target"], old["plan"]["urls"], old["environment"]["fresh_processes"], old["cells"][0]["began_s"]
    rewrite(tmp_path, old)

    run = load(tmp_path).run

    assert (run.plan.target, run.plan.urls, run.environment.fresh_processes) == ("local", {}, True)
    assert run == today.run


def test_a_run_of_the_first_schema_is_read_as_if_it_were_written_today(tmp_path: Path, today: Stored) -> None:
    record = json.loads((tmp_path / "run.json").read_text())
    record["schema"] = 1
    for cell in (*record["cells"], *record["replaced"]):
        cell["block"], cell["patience_s"] = cell.pop("repetition"), cell.pop("acquire_timeout_s")
    record["sampler_effect"]["block"] = record["sampler_effect"].pop("repetition")
    rewrite(tmp_path, record)
    for name in ("requests.parquet", "pool.parquet"):
        pl.read_parquet(tmp_path / name).rename({"repetition": "block"}).write_parquet(tmp_path / name)
    events = (tmp_path / "events.jsonl").read_text()
    assert '"repetition"' in events
    (tmp_path / "events.jsonl").write_text(events.replace('"repetition"', '"block"'))

    before = load(tmp_path)

    assert before.run == today.run == RUN
    assert before.events == today.events
    assert_frame_equal(before.requests, today.requests)
    assert_frame_equal(before.samples, today.samples)
