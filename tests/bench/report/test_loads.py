"""Loads, faults and times in words."""

import pytest

from bench.report.loads import duration, faults, load
from bench.scenarios.catalogue import SCENARIOS
from tests.bench import made


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.0125, "12.5 ms"), (0.55, "550 ms"), (1.05, "1.05 s"), (60, "60 s"), (150, "2 min")],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("scenario", "text"),
    [
        ("one", "1 request"),
        ("five-in-sequence", "5 in sequence"),
        ("burst-10", "burst of 10"),
        ("ramp", "0→10→50→50→0 users, think 10 ms"),
        ("leak-kept", "25/s for 6 s, uniform"),
        ("tight-loop", "50 users for 4 s"),
    ],
)
def test_load(scenario: str, text: str) -> None:
    assert load(made.cell(scenario).load) == text


def test_faults() -> None:
    leak = SCENARIOS["leak-kept"]
    assert faults(leak, 0.1) == "5 leak from 1.5 s, what was kept is given back at 4 s"
    assert faults(SCENARIOS["one"], 0.1) == ""
    assert faults(SCENARIOS["outage-killed"], 0.1) == "every connection is cut at 1.05 s"
    assert faults(SCENARIOS["outage-frozen"], 0.1) == "the database is frozen from 1.02 s for 1.5 s"
