"""Every query is PromQL, and asks for what the services expose."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

import grafana
from grafana.expressions import Expression
from services.common.metrics import Metrics
from tests.grafana.boards import BOARDS, EXPRESSIONS

EXPORTER: Final = Path(grafana.__file__).parents[1] / "observability" / "postgres-queries.yml"
TARGET: Final = {"job", "instance", "service"}
"""The labels that Prometheus gives to all that it scrapes from a service."""


def _exposed() -> dict[str, set[str]]:
    """Name of a sample → the labels by which it can be chosen."""
    text, _ = Metrics("x").text(None)
    exposed = {
        sample.name: set(sample.labels) | TARGET
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }
    return exposed | {"pg_settings_max_connections": set()} | dict(_exported())


def _exported() -> Iterator[tuple[str, set[str]]]:
    """The same for what postgres-exporter is told to ask."""
    for query, asked in yaml.safe_load(EXPORTER.read_text(encoding="utf-8")).items():
        usages = {name: column["usage"] for metric in asked["metrics"] for name, column in metric.items()}
        labels = {name for name, usage in usages.items() if usage == "LABEL"}
        yield from ((f"{query}_{name}", labels) for name, usage in usages.items() if usage != "LABEL")


EXPOSED: Final = _exposed()


def _selectors(expr: str) -> list[promql_parser.VectorSelector]:
    found: list[promql_parser.VectorSelector] = []

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(expr), visit)
    return found


@pytest.mark.parametrize("found", EXPRESSIONS, ids=lambda found: f"{found.dashboard}: {found.panel}")
def test_a_query_asks_for_what_is_exposed_by_labels_that_it_has(found: Expression) -> None:
    selectors = _selectors(found.expr)
    assert selectors
    for selector in selectors:
        assert selector.name in EXPOSED, found.expr
        assert {matcher.name for matcher in selector.matchers.matchers} <= EXPOSED[selector.name], found.expr


@pytest.mark.parametrize(
    ("name", "query"),
    [
        (variable["name"], variable["query"]["query"])
        for board in BOARDS.values()
        for variable in board["templating"]["list"]
    ],
)
def test_a_variable_lists_the_values_of_a_label_that_is_there(name: str, query: str) -> None:
    match = re.fullmatch(r"label_values\((\w+)(?:\{.*\})?, (\w+)\)", query)
    assert match
    assert match[2] in EXPOSED[match[1]]


def test_a_dashboard_uses_the_variables_that_it_has_and_no_others() -> None:
    for board in BOARDS.values():
        known = {variable["name"] for variable in board["templating"]["list"]} | {"__rate_interval"}
        targets = [target for panel in board["panels"] for target in panel.get("targets", ())]
        targets += [mark["target"] for mark in board["annotations"]["list"] if "expr" in mark["target"]]
        used = {name for target in targets for name in re.findall(r"\$(\w+)", target["expr"])}
        assert used == known
