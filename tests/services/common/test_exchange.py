"""One request as the outermost layer sees it, where nothing is traced."""

import re

from prometheus_client.parser import text_string_to_metric_families

from services.common import contract
from services.common.exchange import Exchange
from services.common.metrics import Metrics
from services.common.tracing import Tracing


def test_an_answer_is_counted_under_its_route_and_timed() -> None:
    metrics = Metrics("svc")
    exchange = Exchange(metrics, Tracing("svc"), "GET", contract.QUERY)
    exchange.timing.acquire_ms = 12.5
    header = exchange.answer(503)

    assert re.fullmatch(r"acquire;dur=12\.500, work;dur=0\.000, release;dur=0\.000, app;dur=\d+\.\d{3}", header)
    assert counted(metrics) == {(contract.QUERY, "503"): 1.0}


def test_an_unknown_path_makes_no_series_of_its_own() -> None:
    metrics = Metrics("svc")
    for path in ("/x", "/y", "/api/query/"):
        Exchange(metrics, Tracing("svc"), "GET", path).answer(404)

    assert counted(metrics) == {("unmatched", "404"): 3.0}


def test_without_an_endpoint_there_is_no_trace() -> None:
    tracing = Tracing("svc")

    assert not tracing.on
    assert tracing.trace_id() is None


def counted(metrics: Metrics) -> dict[tuple[str, str], float]:
    return {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(metrics.text(None)[0].decode())
        for sample in family.samples
        if sample.name == "http_requests_total" and sample.value
    }
