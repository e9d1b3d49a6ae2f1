"""Runs that are made up are stored and read as any other."""

from pathlib import Path

import pytest

from bench.record.stored import load
from bench.scenarios.catalogue import SCENARIOS
from perf import made_up, reading
from services.stacks import STACKS


def test_a_run_that_is_made_up_is_read_and_reported_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_up, "REQUESTS", 40)
    count = len(SCENARIOS) * len(STACKS) + 5  # a second repetition of the first ones
    run = made_up.made_up_run(40 * count)

    reading.keep(tmp_path, run, made_up.made_up_rows(run.cells))
    found = reading.look(tmp_path)

    assert (found.cells, found.requests) == (count, 40 * count)
    assert [each.requests.height for each in load(tmp_path).rows()] == [40] * count
