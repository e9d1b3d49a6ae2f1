"""Names and numbers."""

import math

import pytest

from bench.analysis.discipline import discipline_metrics
from bench.analysis.figures import Figure
from bench.report import words
from bench.scenarios.catalogue import SCENARIOS
from tests.bench import made


@pytest.mark.parametrize(
    ("values", "decimals"),
    [([], 0), ([0.0], 0), ([0.25, 0.031], 3), ([1.0, 0.2], 2), ([10, 0.2], 1), ([99.9], 1), ([100, 3], 0)],
)
def test_three_digits_for_the_largest_of_a_row(values: list[float], decimals: int) -> None:
    assert words.decimals_of("latency_ms_p50_all", values) == decimals


def test_counts_are_whole_unless_a_median_is_not() -> None:
    assert words.decimals_of("ok", [55, 3]) == 0
    assert words.decimals_of("ok", [55, 54.5]) == 1
    assert words.decimals_of("efficiency", [0.99]) == words.decimals_of("efficiency", [1.01]) == 3


@pytest.mark.parametrize(
    ("figure", "ends", "text"),
    [
        (Figure(value=None), None, ""),
        (Figure(value=1.234), None, "1.23"),
        (Figure(value=1.234, low=1.2, high=1.26), None, "1.23 (1.20–1.26)"),
        # The interval goes before the spread.
        (Figure(value=1.234, low=1.2, high=1.26), (1.0, 2.0), "1.23 (1.20–1.26)"),
        (Figure(value=1.234, low=1.2, high=None), None, "1.23 (1.20–∞)"),
        (Figure(value=1.234), (1.0, math.inf), "1.23 [1.00–∞]"),
        (Figure(value=1.234, low=1.231, high=1.234), None, "1.23"),
    ],
)
def test_figure(figure: Figure, ends: tuple[float, float] | None, text: str) -> None:
    assert words.figure(figure, 2, ends) == text


def test_expectation() -> None:
    assert words.expectation("ok", None) == ""
    assert words.expectation("ok", 55) == "55"
    assert words.expectation("wall_s", 1.1000000000000001) == "1.1"
    assert words.expectation("goodput_per_s", 48.025) == "48"
    assert words.expectation("latency_ms_p99_all", math.inf) == "not served"
    assert words.expectation("first_timeout_s", math.inf) == "none"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.0125, "12.5 ms"), (0.55, "550 ms"), (1.05, "1.05 s"), (60, "60 s"), (150, "2 min")],
)
def test_duration(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


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
    assert words.load(made.cell(scenario).load) == text


def test_latency_from_sending_stands_beside_that_of_open_load() -> None:
    shown = ("ok", "latency_ms_p99_all", "acquire_ms_p99_all")
    assert words.uncorrected(shown, "open") == (
        "ok", "latency_ms_p99_all", "latency_uncorrected_ms_p99_all", "acquire_ms_p99_all"
    )  # fmt: skip
    assert words.uncorrected(shown, "closed") == shown
    assert list(words.about_latency(shown, "burst")) == list(words.about_latency(("ok",), "open")) == []


def test_every_metric_of_a_cell_s_order_has_a_name() -> None:
    cell = made.cell("tight-loop")
    assert set(discipline_metrics(cell, made.requests(cell, []))) <= set(words.METRICS)


def test_faults() -> None:
    leak = SCENARIOS["leak-kept"]
    assert words.faults(leak, 0.1) == "5 leak from 1.5 s, what was kept is given back at 4 s"
    assert words.faults(SCENARIOS["one"], 0.1) == ""
    assert words.faults(SCENARIOS["outage-killed"], 0.1) == "every connection is cut at 1.05 s"
    assert words.faults(SCENARIOS["outage-frozen"], 0.1) == "the database is frozen from 1.02 s for 1.5 s"


def test_a_service_that_nobody_knows_keeps_its_name() -> None:
    assert words.stack("mine") == "mine"


def test_every_metric_that_a_scenario_is_compared_by_has_a_name() -> None:
    assert {scenario.primary for scenario in SCENARIOS.values()} <= set(words.METRICS)


def test_a_stack_that_is_played_twice_is_told_apart() -> None:
    assert words.stack("psycopg_flask") == "psycopg_pool + Flask"
    assert words.stack("psycopg_flask-again") == "psycopg_pool + Flask, again"
    assert words.stack("mine-again") == "mine-again"
