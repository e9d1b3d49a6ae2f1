"""What the dashboards and the rules ask, on a real Prometheus that scrapes the real services.

The collector has no process here, on purpose: traces are made and go nowhere.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest
import yaml

from bench.postgres.database import Database
from bench.targets.process import ROOT, LocalService, free_port
from grafana.expressions import Expression, expressions, panels
from services.stacks import STACKS, usual
from tests.observability.processes import RULES, postgres_exporter, prometheus
from tests.observability.prometheus import not_a_number
from tests.observability.story import PRESSED, SETTINGS, Story, play
from tests.waiting import until

pytestmark = pytest.mark.long

DASHBOARDS: Final = ROOT / "grafana" / "dashboards"
SIDE_BY_SIDE: Final = "pools-side-by-side"
SERVICES: Final = frozenset(stack.name for stack in usual())

ZERO_WHEN_IDLE: Final = (
    "db_pool_used_size", "db_pool_waiting_requests", "db_pool_connecting",
    "db_pool_acquired_total", "db_pool_released_total", "db_pool_exhaustion_total", "db_pool_acquire_failed_total",
    "db_pool_leaked_total", "db_pool_abandoned_total", "db_pool_waiter_seconds_total", "db_pool_used_seconds_total",
    "db_client_connection_pending_requests", "db_client_connection_timeouts_total",
)  # fmt: skip


@pytest.fixture(scope="module")
def story(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The whole of it, once; Prometheus goes on answering for the tests."""
    directory = tmp_path_factory.mktemp("prometheus")
    unanswered = f"127.0.0.1:{free_port()}"
    settings = SETTINGS | {"otel_exporter_otlp_endpoint": f"http://{unanswered}"}
    services = [LocalService(name, database, settings) for name in SERVICES]
    with ExitStack() as stack:
        exporter = stack.enter_context(postgres_exporter(database, directory))
        for service in services:
            stack.callback(service.stop)
            service.start()
        for service in services:
            service.wait_ready()
        targets = {f"{service.name}:{STACKS[service.name].port}": f"127.0.0.1:{service.port}" for service in services}
        targets |= {"postgres-exporter:9187": exporter, "otel-collector:8888": unanswered}
        yield play(stack.enter_context(prometheus(targets, directory)), services)


def dashboards() -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))]


def asked() -> list[Expression]:
    """Every query of every dashboard, with each service chosen where one can be."""
    variables = [
        {"__rate_interval": "10s", "job": "services", "service": name, "more": name, "pool": name} for name in SERVICES
    ]
    each = [query for board in dashboards() for values in variables for query in expressions(board, values)]
    return list(dict.fromkeys(each))


def rules(kind: str) -> dict[str, str]:
    """Name and expression of every rule of a kind: `record` or `alert`."""
    files = [yaml.safe_load(path.read_text()) for path in sorted(RULES.glob("*.yml"))]
    every = [rule for file in files for group in file["groups"] for rule in group["rules"]]
    return {rule[kind]: rule["expr"] for rule in every if kind in rule}


def test_every_panel_has_data_under_load(story: Story) -> None:
    prometheus = story.prometheus
    assert {query.dashboard for query in asked()} == {SIDE_BY_SIDE, "pool-one-service", "pool-any-service"}
    assert [query for query in asked() if not prometheus.between(query.expr, story.pressed, story.alerted)] == []


def test_side_by_side_each_service_has_the_same_panels(story: Story) -> None:
    queries = [query for query in asked() if query.dashboard == SIDE_BY_SIDE]
    of = {name: [query.expr.replace(name, "X") for query in queries if name in query.expr] for name in SERVICES}
    first, *others = of.values()
    assert first
    assert others == [first] * len(others)


def test_no_panel_is_ever_not_a_number(story: Story) -> None:
    """Idle, under load, and in between."""
    holes = [q for q in asked() if not_a_number(story.prometheus.between(q.expr, story.began, story.alerted))]
    assert holes == []


def test_without_a_request_a_quantile_shows_nothing(story: Story) -> None:
    quantiles = [query for query in asked() if "histogram_quantile" in query.expr]
    assert quantiles
    assert [q for q in quantiles if story.prometheus.between(q.expr, story.began, story.idle)] == []


def test_only_a_panel_that_needs_requests_is_empty_without_them(story: Story) -> None:
    """All others have data while the services live, so that an empty one may say that they are away."""
    explained = {
        (board["uid"], panel["title"]): panel["fieldConfig"]["defaults"]["noValue"]
        for board in dashboards()
        for panel in panels(board)
        if panel["type"] != "row"
    }
    empty = {(q.dashboard, q.panel) for q in asked() if not story.prometheus.at(q.expr, story.idle)}
    assert {explained[panel] for panel in empty} - {"no connects in this window"} == {"no requests in this window"}


@pytest.mark.parametrize("name", [stack.name for stack in usual()])
def test_what_fires_is_marked_in_the_column_of_its_service(story: Story, name: str) -> None:
    """The alerts of the load may still be pending; those about no service, the collector's here, are in each column."""
    (mark,) = [
        mark["target"]["expr"]
        for board in dashboards()
        for mark in board["annotations"]["list"]
        if name in mark["target"].get("expr", "")
    ]
    raised = story.prometheus.at(mark.replace('alertstate="firing", ', ""), story.alerted)
    about = {(one.labels["alertname"], one.labels.get("service")) for one in raised}
    assert about >= {*((alert, name) for alert in PRESSED), ("ServiceDown", None)}
    assert {service for _, service in about} == {name, None}
    until(lambda: story.prometheus.now(mark), "an alert that fires")


def test_an_idle_stack_is_all_zeros(story: Story) -> None:
    seen = {
        (series.labels["__name__"], series.labels["service"]): series.values
        for series in story.prometheus.at(f'{{__name__=~"{"|".join(ZERO_WHEN_IDLE)}"}}', story.idle)
    }
    assert seen == {(metric, service): (0.0,) for metric in ZERO_WHEN_IDLE for service in SERVICES}


def test_every_recording_rule_has_a_value_for_each_service_under_load(story: Story) -> None:
    prometheus = story.prometheus
    found = {
        name: {series.labels["service"] for series in prometheus.between(name, story.pressed, story.alerted)}
        for name in rules("record")
    }
    assert found == dict.fromkeys(rules("record"), SERVICES)


def test_no_rule_is_ever_not_a_number(story: Story) -> None:
    every = rules("record") | rules("alert")
    holes = [n for n in every if not_a_number(story.prometheus.between(every[n], story.began, story.alerted))]
    assert holes == []


def test_on_an_idle_stack_nothing_alerts_but_the_missing_collector(story: Story) -> None:
    alerts = story.prometheus.at("ALERTS", story.idle)
    assert {(series.labels["alertname"], series.labels.get("job")) for series in alerts} <= {
        ("ServiceDown", "collector")
    }
    up = {series.labels["job"]: series.values for series in story.prometheus.at("up", story.idle)}
    assert up == {"services": (1.0,), "postgres": (1.0,), "prometheus": (1.0,), "collector": (0.0,)}


def test_a_pool_that_is_too_small_alerts_in_each_service(story: Story) -> None:
    alerts = story.prometheus.at('ALERTS{alertname!="ServiceDown"}', story.alerted)
    raised = {(series.labels["alertname"], series.labels["service"]) for series in alerts}
    assert raised >= {(alert, service) for alert in PRESSED for service in SERVICES}


def test_the_database_says_how_many_backends_each_service_has(story: Story) -> None:
    idle = {
        (series.labels["application_name"], series.labels["state"]): series.values[0]
        for series in story.prometheus.at("poolbench_backends_count", story.idle)
    }
    counts = {"active": 0, "idle": 2, "idle in transaction": 0}
    there = {(service, state): count for service in SERVICES for state, count in counts.items()}
    away = {(service, state): 0 for service in set(STACKS) - SERVICES for state in counts}
    assert idle == there | away
    pressed = story.prometheus.at("sum by (application_name) (poolbench_backends_count)", story.alerted)
    assert {series.labels["application_name"]: series.values[0] for series in pressed} == {
        service: 5 if service in SERVICES else 0 for service in STACKS
    }


def test_exemplars_are_the_traces_of_requests(story: Story) -> None:
    for service in SERVICES:
        buckets = f'db_pool_acquire_seconds_bucket{{service="{service}"}}'
        exemplars = story.prometheus.exemplars(buckets, story.began, story.alerted)
        traces = {exemplar["labels"]["trace_id"] for exemplar in exemplars}
        answered = {answer.trace_id for answer in (*story.unhurried, *story.hurried) if answer.service == service}
        assert traces
        assert traces <= answered


def test_without_a_collector_requests_are_served_and_refused_as_ever(story: Story) -> None:
    assert Counter((a.service, a.status) for a in story.unhurried) == {(service, 200): 5 for service in SERVICES}
    hurried = Counter((a.service, a.status) for a in story.hurried)
    assert hurried.keys() == {(service, status) for service in SERVICES for status in (200, 503)}
    assert {a.error for a in story.hurried} <= {None, "pool_exhausted", "pool_growing"}
