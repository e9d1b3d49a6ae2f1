"""The metrics of one cell, from frames made by hand."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.answers import answers_of
from bench.analysis.cells import cell_metrics
from bench.analysis.discipline import discipline_metrics
from bench.record.readings import CpuSeconds
from bench.record.schema import Busy, Cell, Forecast
from tests.bench import made

QUANTILES = ("p50", "p95", "p99", "max")


def named(name: str, served: list[float | None], everyone: list[float | None]) -> dict[str, float | None]:
    """`name`'s quantiles, p50 to max, of what was served and of all."""
    return {
        f"{name}_ms_{q}_{kind}": value
        for kind, values in (("served", served), ("all", everyone))
        for q, value in zip(QUANTILES, values, strict=True)
    }


def metrics_of(cell: Cell, rows: list[dict[str, Any]], **more: Any) -> dict[str, float | None]:
    return cell_metrics(cell, made.requests(cell, rows), made.samples(cell, more.pop("samples", ())), **more)


def test_every_metric_of_a_small_burst() -> None:
    """Six at once on two connections, hold 100 ms, acquire timeout 150 ms: four are served, one is rejected in time,
    and one loses its connection. All are sent 2 ms late."""
    cell = made.cell(
        hold_ms=100,
        pool_size=2,
        capacity=2,
        forecast=Forecast(served=4, timed_out=2, wall_s=0.2, busy=Busy(served=4)),
        load_s=0.25,
        cpu=CpuSeconds(generator=0.01, service=0.03, postgres=0.02, harness=0.005, other=0.01, available=0.5),
        rss_mb=61.5,
        pss_mb=48.5,
    )
    rows = made.fifo_burst(6, 2, hold_us=100_000, acquire_timeout_us=150_000)
    rows = [row | {"sent_us": 2_000} for row in rows]
    rows[0] |= {"finished_us": 104_000, "app_us": 100_500}
    rows[4] |= {"finished_us": 155_000, "app_us": 151_000}
    rows[5] = {"planned_us": 0, "sent_us": 2_000, "finished_us": 250_000, "status": 0, "error": "reset"}
    rows[5] |= dict.fromkeys(("acquire_us", "work_us", "release_us", "app_us"))
    samples = [
        {"t_us": 0, "waiting": 0, "used": 0, "backends": 2},
        {"t_us": 50_000, "waiting": 4, "used": 2, "backends": 3},
        {"t_us": 99_000, "waiting": 2, "used": 1, "backends": None},
    ]
    # The second batch's two and the first batch's two end at 104, 100, 200 and 200 ms.
    times = [100.0, 104.0, 200.0, 200.0]
    mean_time, mean_index = sum(times) / 4, 1.5
    rate = sum((t - mean_time) * (i - mean_index) for i, t in enumerate(times)) / sum(
        (t - mean_time) ** 2 for t in times
    )
    assert metrics_of(cell, rows, samples=samples, cores=2) == pytest.approx(
        {
            "sent": 6,
            "ok": 4,
            "timed_out": 1,
            "failed": 1,
            "share_served": 4 / 6,
            "goodput_per_s": 16.0,
            "efficiency": rate * 100 / 2,
            "efficiency_of_hold": rate * 100 / 2,
            **named("acquire", [0, 100, 100, 100], [100, None, None, None]),
            **named("latency", [104, 200, 200, 200], [200, None, None, None]),
            **named("latency_uncorrected", [102, 198, 198, 198], [198, None, None, None]),
            "hold_ms_p50": 100,
            # 1.5, −2, −2, −2 and 2 ms.
            "queue_ms_p50": -2,
            # In a burst no request came before another, and no user asked twice.
            **dict.fromkeys(discipline_metrics(cell, answers_of(made.requests(cell, [])))),
            "longest_wait_ms": 150,
            "wall_s": 0.25,
            "first_timeout_s": 0.155,
            "last_ok_s": 0.2,
            "recovered_s": None,
            "served_again_s": None,
            "backends_again_s": None,
            "waiting_peak": 4,
            "used_peak": 2,
            "backends_peak": 3,
            "used_last": 1,
            "backends_last": 3,
            "app_cpu_ms_per_request": 5.0,
            "app_rss_mb": 61.5,
            "app_pss_mb": 48.5,
            "skew_ms": None,
            "lateness_ms_p99": None,
            "cpu_machine_share": 0.15,
            "cpu_largest_part_share": 0.12,
            "cpu_bound": 0,
            "machine_busy": 0,
            "residual_ok": 0,
            "residual_timed_out": -1,
            "residual_goodput_percent": -20.0,
            "residual_wall_percent": 25.0,
            "residual_waiting_peak": 0,
            "residual_acquire_ms_p50_served": 0,
            "residual_acquire_ms_p95_served": 0,
            "residual_acquire_ms_p99_served": 0,
            "residual_acquire_ms_max_served": 0,
        }
    )


def test_a_cell_without_rows_says_nothing() -> None:
    found = metrics_of(made.cell(), [])
    assert {name: value for name, value in found.items() if value is not None} == {
        "sent": 0, "ok": 0, "timed_out": 0, "failed": 0, "residual_ok": -55, "residual_timed_out": -45
    }  # fmt: skip
    assert found.keys() == metrics_of(made.cell(), [{}]).keys()


@pytest.mark.parametrize(
    ("status", "error", "counted"),
    [
        (200, "none", "ok"),
        (503, "pool_exhausted", "timed_out"),
        (503, "pool_growing", "timed_out"),
        (503, "database_unavailable", "failed"),
        (500, "other", "failed"),
        (404, "other", "failed"),
        (0, "gave_up", "failed"),
        # Said by something that is not the service.
        (500, "pool_exhausted", "failed"),
    ],
)
def test_every_request_is_counted_once(status: int, error: str, counted: str) -> None:
    found = metrics_of(made.cell(), [{"status": status, "error": error}])
    assert {name: found[name] for name in ("ok", "timed_out", "failed")} == {
        name: int(name == counted) for name in ("ok", "timed_out", "failed")
    }


@given(n=st.integers(1, 120), c=st.integers(1, 20), hold_ms=st.integers(1, 2000), batches=st.integers(1, 15))
def test_a_perfect_burst_is_efficient(n: int, c: int, hold_ms: int, batches: int) -> None:
    acquire_timeout_us = batches * hold_ms * 1000 - hold_ms * 500
    served = min(n, c * batches)
    full = served - served % c
    cell = made.cell(
        hold_ms=hold_ms,
        pool_size=c,
        capacity=c,
        forecast=Forecast(served=served, busy=Busy(served=full) if full >= 2 * c else None),
    )
    found = metrics_of(cell, made.fifo_burst(n, c, hold_ms * 1000, acquire_timeout_us))
    expected = pytest.approx(1.0) if full >= 2 * c else None
    assert (found["efficiency"], found["efficiency_of_hold"]) == (expected, expected)
    assert found["ok"] == served
    assert found["timed_out"] == n - served


def test_efficiency_counts_whole_batches_where_fewer_were_served_than_forecast() -> None:
    """Forecast 20 in 4 batches of 5; a batch and a half are missing."""
    cell = made.cell(forecast=Forecast(served=20, busy=Busy(served=20)))
    rows = made.fifo_burst(20, 5, 100_000, 10**9)[:13]
    assert metrics_of(cell, rows)["efficiency"] == pytest.approx(1.0)
    assert metrics_of(cell, rows[:9])["efficiency"] is None


def test_efficiency_over_a_window_of_time() -> None:
    """Ten a second before and after, fifty a second from 1 to 3 s; held for 110 ms instead of 100."""
    cell = made.cell(forecast=Forecast(busy=Busy(from_s=1.0, to_s=3.0)))
    moments = [
        *range(0, 1_000_000, 100_000),
        *range(1_000_000, 3_000_001, 20_000),
        *range(3_100_000, 4_000_000, 100_000),
    ]
    rows = [{"sent_us": 0, "finished_us": moment, "work_us": 110_000} for moment in moments]
    found = metrics_of(cell, rows)
    assert found["efficiency"] == pytest.approx(1.0)
    assert found["efficiency_of_hold"] == pytest.approx(1.1)


def test_latency_without_a_plan_counts_from_the_send() -> None:
    found = metrics_of(made.cell(), [{"planned_us": None, "sent_us": 5_000, "finished_us": 110_000}])
    assert found["latency_ms_p50_served"] == found["latency_uncorrected_ms_p50_served"] == 105
    assert found["wall_s"] == pytest.approx(0.105)


def test_latency_with_a_plan_counts_the_wait_of_the_generator() -> None:
    found = metrics_of(made.cell(), [{"planned_us": 1_000, "sent_us": 5_000, "finished_us": 110_000}])
    assert found["latency_ms_p50_served"] == 109
    assert found["latency_uncorrected_ms_p50_served"] == 105


def test_an_acquire_that_one_answer_does_not_say_is_unknown() -> None:
    found = metrics_of(made.cell(), [{"acquire_us": 1_000}, {"acquire_us": None}])
    assert found["acquire_ms_p50_served"] is None
    assert found["latency_ms_p50_served"] == 100


def test_the_floor_waits_for_no_connection() -> None:
    found = metrics_of(made.cell("floor"), [{"path": "/api/noop", "acquire_us": 0, "work_us": 0}])
    assert (found["acquire_ms_p50_all"], found["hold_ms_p50"]) == (None, None)
    assert found["latency_ms_p50_all"] == 100


def test_recovery_counts_from_the_last_leak_to_the_first_request_that_got_a_connection_after_it() -> None:
    cell = made.cell("leak-kept")
    events = [made.event(cell, t, "leak") for t in (1.5, 1.6)] + [made.event(cell, 4.0, "release_leaks")]
    before: list[dict[str, Any]] = [
        {"sent_us": 1_400_000, "finished_us": 1_500_000},
        # Got its connection before the last leak, ended after it.
        {"sent_us": 1_590_000, "finished_us": 1_690_000},
        {"sent_us": 1_700_000, "finished_us": 2_250_000, "status": 503, "error": "pool_exhausted"},
    ]
    # Sent long before, handed its connection at 4.01 s.
    after: list[dict[str, Any]] = [
        {"sent_us": 3_600_000, "finished_us": 4_110_000, "acquire_us": 410_000},
        {"sent_us": 3_700_000, "finished_us": 4_210_000, "acquire_us": 410_000},
    ]
    assert metrics_of(cell, before + after, events=events)["recovered_s"] == pytest.approx(2.51)
    assert metrics_of(cell, before, events=events)["recovered_s"] is None
    assert metrics_of(cell, before + after)["recovered_s"] is None


SMALL = CpuSeconds(generator=0.1, service=0.1, postgres=0.1, harness=0.1, other=0.1, available=2.0)


@pytest.mark.parametrize(
    ("cpu", "machine", "part", "bound", "busy"),
    [
        (SMALL, 0.25, 0.1, 0, 0),
        (replace(SMALL, postgres=None), 0.2, 0.1, 0, 0),
        (replace(SMALL, postgres=0.89), 0.645, 0.1, 0, 1),
        (replace(SMALL, postgres=0.91), 0.655, 0.1, 1, 0),
        (replace(SMALL, other=0.79), 0.595, 0.1, 0, 0),
        (replace(SMALL, other=0.81), 0.605, 0.1, 0, 1),
        (replace(SMALL, other=1.6), 1.0, 0.1, 0, 1),
        (replace(SMALL, service=0.69), 0.545, 0.69, 0, 0),
        (replace(SMALL, service=0.71), 0.555, 0.71, 1, 0),
        (replace(SMALL, generator=0.71), 0.555, 0.71, 1, 0),
        (replace(SMALL, generator=0.71, other=0.4), 0.705, 0.71, 1, 1),
    ],
)
def test_cpu_bound_and_machine_busy(cpu: CpuSeconds, machine: float, part: float, bound: float, busy: float) -> None:
    found = metrics_of(made.cell(cpu=cpu, load_s=1.0), [{}])
    assert found["cpu_machine_share"] == pytest.approx(machine)
    assert found["cpu_largest_part_share"] == pytest.approx(part)
    assert (found["cpu_bound"], found["machine_busy"]) == (bound, busy)


def test_the_service_is_watched_for_longer_than_the_load() -> None:
    """0.2 s of CPU in a quarter of a second of load, but the meter ran for a second around it."""
    cell = made.cell(cpu=replace(SMALL, service=0.2), load_s=0.25)
    assert metrics_of(cell, [{}], cores=2)["cpu_largest_part_share"] == pytest.approx(0.4)
    assert metrics_of(cell, [{}])["cpu_largest_part_share"] == pytest.approx(0.8)


def test_cpu_that_cannot_be_seen_is_unknown_and_part_of_the_machine_s() -> None:
    cpu = CpuSeconds(generator=0.1, service=None, postgres=None, harness=0.1, other=1.2, available=2.0)
    found = metrics_of(made.cell(cpu=cpu, load_s=1.0), [{}])
    assert found["app_cpu_ms_per_request"] is None
    assert found["cpu_machine_share"] == pytest.approx(0.7)
    assert found["cpu_largest_part_share"] == pytest.approx(0.1)
    assert (found["cpu_bound"], found["machine_busy"]) == (0, 1)
