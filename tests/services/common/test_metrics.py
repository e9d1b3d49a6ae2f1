"""The instruments, as Prometheus reads them in both of its formats."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus

from services.common import contract
from services.common.instruments import BUCKETS, CONVENTIONAL
from services.common.ledger import Account, Ledger, Totals
from services.common.metrics import Metrics, PoolStats

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
FORMATS = pytest.mark.parametrize(("accept", "parse"), [(None, parse_prometheus), (OPENMETRICS, parse_openmetrics)])

COUNTED = Totals(4, 7, 1, 30, 24, 5, 3, 2, 2, 12.5, 99.25)
STATS = PoolStats(pool_min_size=2, pool_max_size=6, pool_size=5, pool_free_size=1, counted=COUNTED)
GAUGES = {
    "db_pool_min_size": 2, "db_pool_max_size": 6, "db_pool_size": 5, "db_pool_free_size": 1, "db_pool_used_size": 4,
    "db_pool_waiting_requests": 7, "db_pool_connecting": 1,
}  # fmt: skip
COUNTERS = {
    "db_pool_acquired_total": 30, "db_pool_released_total": 24, "db_pool_exhaustion_total": 5,
    "db_pool_acquire_failed_total": 3, "db_pool_leaked_total": 2, "db_pool_abandoned_total": 2,
    "db_pool_waiter_seconds_total": 12.5, "db_pool_used_seconds_total": 99.25,
}  # fmt: skip

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(metrics: Metrics, accept: str | None = None, parse: Callable[[str], Any] = parse_prometheus) -> Samples:
    """Every sample, which stands there once."""
    text, _ = metrics.text(accept)
    samples: Samples = {}
    for family in parse(text.decode()):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in samples, f"{key} stands twice"
            samples[key] = sample.value
    return samples


def of(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


@FORMATS
def test_the_pool_in_numbers(accept: str | None, parse: Callable[[str], Any]) -> None:
    metrics = Metrics("svc")
    metrics.refresh(lambda: STATS)
    samples = read(metrics, accept, parse)

    assert {name: of(samples, name, service="svc") for name in GAUGES | COUNTERS} == GAUGES | COUNTERS


@FORMATS
def test_every_counter_is_0_from_the_start(accept: str | None, parse: Callable[[str], Any]) -> None:
    samples = read(Metrics("svc"), accept, parse)

    assert {name: of(samples, name, service="svc") for name in COUNTERS} == dict.fromkeys(COUNTERS, 0)
    for path, methods in contract.METHODS.items():
        for method in methods:
            assert of(samples, "http_requests_total", service="svc", method=method, route=path, status="200") == 0
    for path in (contract.QUERY, contract.QUERY_PROPER, contract.QUERY_LEAK, contract.NESTED, contract.SEVERAL):
        assert of(samples, "http_requests_total", service="svc", method="GET", route=path, status="503") == 0


@FORMATS
def test_durations_are_in_seconds_and_in_the_buckets(accept: str | None, parse: Callable[[str], Any]) -> None:
    metrics = Metrics("svc")
    for seconds in (0.0004, 0.3, 100.0):
        metrics.acquired(seconds)
        metrics.held(seconds)
        metrics.connected(seconds)
    samples = read(metrics, accept, parse)

    for name in ("db_pool_acquire_seconds", "db_query_duration_seconds", "db_pool_connect_seconds"):
        assert of(samples, f"{name}_count", service="svc") == 3
        assert of(samples, f"{name}_sum", service="svc") == pytest.approx(100.3004)
        in_buckets = [of(samples, f"{name}_bucket", service="svc", le=str(le)) for le in (*BUCKETS, "+Inf")]
        assert in_buckets == [1] * 8 + [1 if le < 0.3 else 2 for le in BUCKETS[8:]] + [3]


@FORMATS
def test_the_conventional_names_are_twins(accept: str | None, parse: Callable[[str], Any]) -> None:
    metrics = Metrics("svc")
    metrics.refresh(lambda: STATS)
    for seconds in (0.1, 0.2):
        metrics.acquired(seconds)
        metrics.held(2 * seconds)
        metrics.connected(3 * seconds)
    samples = read(metrics, accept, parse)

    twins = 0
    for ours, theirs, extra in CONVENTIONAL:
        state = {f"db_client_connection_{key}": value for key, value in extra.items()}
        for (name, labels), value in samples.items():
            rest = name.removeprefix(ours)
            if name.startswith(ours) and rest in ("", "_total", "_bucket", "_sum", "_count"):
                other = {key: text for key, text in labels if key != "service"}
                assert of(samples, theirs + rest, **other, **state, db_client_connection_pool_name="svc") == value
                twins += 1
    conventional = sum(name.startswith("db_client_connection_") for name, _ in samples)
    assert twins == conventional == 7 + 3 * (len(BUCKETS) + 3)
    assert of(samples, "db_client_connection_idle_max", db_client_connection_pool_name="svc") == 6
    assert of(
        samples, "db_client_connection_count", db_client_connection_pool_name="svc", db_client_connection_state="used"
    ) == 4  # fmt: skip


@pytest.mark.parametrize(
    ("accept", "kind"),
    [(None, "text/plain"), ("*/*", "text/plain"), ("", "text/plain"), (OPENMETRICS, "application/openmetrics-text")],
)
def test_openmetrics_only_on_request(accept: str | None, kind: str) -> None:
    text, content_type = Metrics("svc").text(accept)

    assert content_type.startswith(kind)
    assert text.endswith(b"# EOF\n") == (accept == OPENMETRICS)


def test_an_exemplar_points_to_its_trace() -> None:
    metrics = Metrics("svc")
    metrics.acquired(0.3, {"trace_id": "0af7651916cd43dd8448eb211c80319c"})
    parse: Callable[[str], Any] = parse_openmetrics
    families = {family.name: family for family in parse(metrics.text(OPENMETRICS)[0].decode())}

    for name in ("db_pool_acquire_seconds", "db_client_connection_wait_time_seconds"):
        found = [sample.exemplar for sample in families[name].samples if sample.exemplar]
        assert [(one.labels, one.value) for one in found] == [({"trace_id": "0af7651916cd43dd8448eb211c80319c"}, 0.3)]


def test_answers_are_counted_by_route_and_status() -> None:
    metrics = Metrics("svc")
    metrics.answered("GET", contract.QUERY, 200, 0.5)
    metrics.answered("GET", contract.QUERY, 503, 0.25)
    metrics.answered("GET", None, 404, 0.1)
    metrics.answered("GET", None, 404, 0.1)
    samples = read(metrics)

    for route, status, count in ((contract.QUERY, "200", 1), (contract.QUERY, "503", 1), ("unmatched", "404", 2)):
        labels = {"service": "svc", "method": "GET", "route": route, "status": status}
        assert of(samples, "http_requests_total", **labels) == count
        assert of(samples, "http_request_duration_seconds_count", **labels) == count


def test_what_the_library_does_not_know_is_left_out_of_the_gauges() -> None:
    metrics = Metrics("svc")
    metrics.refresh(lambda: STATS)
    metrics.refresh(lambda: replace(STATS, pool_size=None, pool_free_size=None))

    assert of(read(metrics), "db_pool_used_size", service="svc") == 4


def test_a_refresh_never_moves_a_counter_back() -> None:
    metrics = Metrics("svc")
    for totals in (COUNTED, replace(COUNTED, acquired_total=20, waiter_seconds_total=1.0), COUNTED):
        stats = replace(STATS, counted=totals)
        metrics.refresh(partial(replace, stats))
        samples = read(metrics)
        assert of(samples, "db_pool_acquired_total", service="svc") == 30
        assert of(samples, "db_pool_waiter_seconds_total", service="svc") == 12.5


def test_refreshes_at_once_add_up_to_what_the_ledger_has() -> None:
    metrics, ledger, account = Metrics("svc"), Ledger(), Account(1)
    together = threading.Barrier(4)

    def work() -> None:
        together.wait(60)
        for _ in range(200):
            wait = ledger.ask(account, 0, 1.0)
            assert wait
            ledger.grant(wait)
            ledger.give_back(account)
            ledger.released(account)
            metrics.refresh(lambda: replace(STATS, counted=ledger.totals()))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    samples = read(metrics)
    assert of(samples, "db_pool_acquired_total", service="svc") == 800
    assert of(samples, "db_pool_released_total", service="svc") == 800
    assert of(samples, "db_pool_used_size", service="svc") == 0


@FORMATS
def test_every_metric_says_in_a_sentence_what_it_counts(accept: str | None, parse: Callable[[str], Any]) -> None:
    told = {family.name: family.documentation for family in parse(Metrics("svc").text(accept)[0].decode())}
    ours = {name: text for name, text in told.items() if name.startswith(("db_", "http_"))}

    assert len(ours) > len(GAUGES | COUNTERS)
    assert all(text.endswith(".") and text[0].isupper() for text in ours.values())
    assert "connection was held" in ours["db_query_duration_seconds"]
    assert "reached the acquire timeout, whatever the cause" in ours["db_pool_exhaustion"]


def test_services_do_not_share_their_instruments() -> None:
    first, second = Metrics("first"), Metrics("second")
    first.refresh(lambda: STATS)

    assert of(read(second), "db_pool_acquired_total", service="second") == 0


def test_draining_is_shown_only_while_a_pool_drains() -> None:
    drained = STATS.body("svc", 1, 100, 10.0)
    draining = replace(STATS, draining=({"pool_max_size": 5, "used": 1, "waiting": 2},)).body("svc", 1, 100, 10.0)

    assert "draining" not in drained
    assert draining == drained | {"draining": [{"pool_max_size": 5, "used": 1, "waiting": 2}]}
    assert (
        drained.items() >= {"pool_size": 5, "pool_free_size": 1, "pool_used_size": 4, "acquire_timeout": 10.0}.items()
    )


def test_buckets_rise_from_a_round_trip_to_the_longest_acquire_timeout() -> None:
    assert all(low < high for low, high in itertools.pairwise(BUCKETS))
    assert (BUCKETS[0], BUCKETS[-1]) == (0.0005, 61.0)


@pytest.mark.parametrize("round_s", [0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0])
def test_what_lasts_a_round_time_is_told_as_no_more_than_a_tenth_longer(round_s: float) -> None:
    assert next(bound for bound in BUCKETS if round_s * 1.003 <= bound) / round_s < 1.1
