"""The OpenAPI document says what the services do."""

import json
from typing import Any

from services.common import contract
from services.common.ledger import Totals
from services.common.metrics import PoolStats
from services.common.openapi import DOCUMENT
from services.common.settings import Config

PATHS: dict[str, Any] = json.loads(DOCUMENT)["paths"]


def schema(path: str, method: str = "get", status: str = "200") -> dict[str, Any]:
    found: dict[str, Any] = PATHS[path][method]["responses"][status]["content"][contract.JSON]["schema"]
    return found


def test_it_lists_exactly_the_contract_s_paths_and_methods() -> None:
    assert {path: tuple(method.upper() for method in methods) for path, methods in PATHS.items()} == contract.METHODS
    assert json.loads(DOCUMENT)["openapi"] == "3.1.0"


def test_it_names_each_path_s_parameters() -> None:
    for path in contract.METHODS:
        named = {parameter["name"] for parameter in PATHS[path].get("get", {}).get("parameters", ())}
        assert named == set(contract.PARAMETERS.get(path, ()))


def test_its_stats_are_what_the_service_shows() -> None:
    stats = PoolStats(2, 5, None, None, Totals(*range(11)), ({"pool_max_size": 5, "used": 1, "waiting": 2},))
    shown = stats.body("svc", 1, 100, 10.0)

    assert set(schema(contract.STATS)["properties"]) == set(shown)
    assert set(schema(contract.STATS)["required"]) == set(shown) - {"draining"}


def test_its_configuration_is_what_can_be_read_and_changed() -> None:
    assert set(schema(contract.CONFIG)["properties"]) == {
        "service",
        "workers",
        "threads",
        "tracing",
        *Config.model_fields,
    }
    body = PATHS[contract.CONFIG]["post"]["requestBody"]["content"][contract.JSON]["schema"]
    assert set(body["properties"]) == set(Config.model_fields) - {"tuning"}
    assert set(PATHS[contract.CONFIG]["post"]["responses"]) == {"200", "409", "413", "422", "503"}


def test_its_refusals_are_the_contract_s() -> None:
    detail = contract.refused_body("pool_exhausted", "full", 1.0, 5, None, stage="acquire")["detail"]
    for path in (contract.QUERY, contract.QUERY_PROPER, contract.QUERY_LEAK, contract.NESTED, contract.SEVERAL):
        described = schema(path, status="503")["properties"]["detail"]
        assert set(described["properties"]) == set(detail)
        assert set(described["required"]) == set(detail) - {"stage"}
        headers = PATHS[path]["get"]["responses"]["503"]["headers"]
        assert set(headers) == {contract.RETRY_AFTER, contract.SERVER_TIMING}
