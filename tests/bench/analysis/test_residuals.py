"""How far a cell is from its forecast."""

from dataclasses import replace

import pytest

from bench.analysis.cells import cell_metrics
from bench.analysis.forecast import expected
from bench.analysis.residuals import DIFFERENCES, SHARES, residuals
from tests.bench import made

NAMES = {*DIFFERENCES.values(), *SHARES.values()}


def test_by_hand() -> None:
    """A burst of ten on five at 100 ms: two batches, 50/s."""
    metrics = {
        "ok": 9, "timed_out": 1, "goodput_per_s": 45.0, "wall_s": 0.21, "waiting_peak": 4,
        "acquire_ms_p50_served": 0.5, "acquire_ms_p95_served": 98.0, "acquire_ms_p99_served": 103.0,
        "acquire_ms_max_served": None,
    }  # fmt: skip
    assert residuals(made.cell("burst-10"), metrics) == pytest.approx(
        {
            "residual_ok": -1, "residual_timed_out": 1, "residual_goodput_percent": -10.0,
            "residual_wall_percent": 5.0, "residual_waiting_peak": -1, "residual_acquire_ms_p50_served": 0.5,
            "residual_acquire_ms_p95_served": -2.0, "residual_acquire_ms_p99_served": 3.0,
            "residual_acquire_ms_max_served": None,
        }
    )  # fmt: skip


def test_the_forecast_is_the_cell_s_own() -> None:
    """With the overhead of the baseline in it, and not the ideal one beside it."""
    cell = made.cell("burst-10")
    slower = replace(cell, forecast=replace(cell.forecast, wall_s=0.25, goodput_per_s=40.0), ideal=cell.forecast)
    found = residuals(slower, {"wall_s": 0.25, "goodput_per_s": 50.0})
    assert (found["residual_wall_percent"], found["residual_goodput_percent"]) == (0, 25.0)


def test_what_was_not_forecast_has_no_residual_and_still_its_name() -> None:
    assert residuals(made.cell("leak-kept"), {"ok": 9}) == dict.fromkeys(NAMES)
    assert residuals(made.cell("burst-10"), {}) == dict.fromkeys(NAMES)


@pytest.mark.parametrize("scenario", ["burst-10", "burst-timeout", "five-in-sequence"])
def test_what_came_as_forecast_has_none(scenario: str) -> None:
    cell = made.cell(scenario)
    found = residuals(cell, expected(cell))
    assert found == dict.fromkeys(NAMES, 0)


def test_residuals_are_metrics_of_a_cell() -> None:
    cell = made.cell("burst-timeout")
    rows = made.fifo_burst(100, 5, hold_us=102_000, acquire_timeout_us=1_050_000)
    found = cell_metrics(cell, made.requests(cell, rows), made.samples(cell))
    assert found["residual_acquire_ms_p99_served"] == pytest.approx(20.0)
    assert found["residual_wall_percent"] == pytest.approx(2.0)
    assert (found["residual_ok"], found["residual_waiting_peak"]) == (0, None)
