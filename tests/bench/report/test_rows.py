"""Which metrics a table shows."""

from bench.metrics.registry import METRICS
from bench.report.rows import LOADED, ROWS, about_latency, uncorrected


def test_latency_from_sending_stands_beside_that_of_open_load() -> None:
    shown = ("ok", "latency_ms_p99_all", "acquire_ms_p99_all")
    assert uncorrected(shown, "open") == (
        "ok", "latency_ms_p99_all", "latency_uncorrected_ms_p99_all", "acquire_ms_p99_all"
    )  # fmt: skip
    assert uncorrected(shown, "closed") == shown
    assert list(about_latency(shown, "burst")) == list(about_latency(("ok",), "open")) == []


def test_tables_show_metrics_that_there_are_each_once() -> None:
    for shown in (LOADED, *ROWS.values()):
        assert set(shown) <= METRICS.keys()
        assert len(set(shown)) == len(shown)
