"""What Grafana reads at its start, and that the dashboards fit to it."""

from pathlib import Path
from typing import Any, Final

import yaml

import grafana
from tests.grafana.boards import BOARDS

PROVISIONING: Final = Path(grafana.__file__).parent / "provisioning"


def _read(path: str) -> Any:
    return yaml.safe_load((PROVISIONING / path).read_text(encoding="utf-8"))


SOURCES: Final = {source["uid"]: source for source in _read("datasources/poolbench.yml")["datasources"]}


def _references(value: Any) -> list[dict[str, str]]:
    """Every data source that something in `value` names."""
    if isinstance(value, list):
        return [found for item in value for found in _references(item)]
    if isinstance(value, dict):
        own = [value["datasource"]] if "datasource" in value else []
        return own + [found for item in value.values() for found in _references(item)]
    return []


def test_every_data_source_that_a_dashboard_names_is_provisioned() -> None:
    built_in = {"-- Grafana --": "grafana"}
    types = {uid: source["type"] for uid, source in SOURCES.items()} | built_in
    references = _references(list(BOARDS.values()))
    assert references
    assert all(types[reference["uid"]] == reference["type"] for reference in references)


def test_nobody_changes_a_data_source_in_the_browser_and_one_is_the_default() -> None:
    assert all(source["editable"] is False for source in SOURCES.values())
    assert [uid for uid, source in SOURCES.items() if source.get("isDefault")] == ["prometheus"]


def test_an_exemplar_leads_to_a_trace() -> None:
    (destination,) = SOURCES["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert destination["name"] == "trace_id"
    assert SOURCES[destination["datasourceUid"]]["type"] == "jaeger"


def test_the_dashboards_come_from_their_folder_alone() -> None:
    (provider,) = _read("dashboards/poolbench.yml")["providers"]
    assert provider["options"] == {"path": "/etc/grafana/dashboards"}
    assert provider["allowUiUpdates"] is False
