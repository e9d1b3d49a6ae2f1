"""The OpenAPI document says what the services do, and what their models say."""

import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from services.common import contract, models
from services.common.encoding import encode
from services.common.openapi import BY_THE_SERVER, CHANGE, DOCUMENT
from services.common.settings import Config, SettingsError
from tests.services.common.bodies import EXAMPLES, Example

OPENAPI: dict[str, Any] = json.loads(DOCUMENT)
PATHS: dict[str, Any] = OPENAPI["paths"]
SCHEMAS: dict[str, Any] = OPENAPI["components"]["schemas"]
EVIL: tuple[Any, ...] = (None, -1, 1.5, "", "x", True, False, [], {}, [{}])


def schema(path: str, method: str = "get", status: int = 200) -> dict[str, Any]:
    found: dict[str, Any] = PATHS[path][method]["responses"][str(status)]["content"][contract.JSON]["schema"]
    return found


def validator(found: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(found | {"components": OPENAPI["components"]})


def named(found: dict[str, Any]) -> list[str]:
    return [one["$ref"].rpartition("/")[2] for one in found.get("anyOf", [found])]


def test_it_lists_exactly_the_contract_s_paths_and_methods() -> None:
    assert {path: tuple(method.upper() for method in methods) for path, methods in PATHS.items()} == contract.METHODS
    assert OPENAPI["openapi"] == "3.1.0"


def test_another_process_makes_the_same_bytes() -> None:
    show = "import sys; from services.common.openapi import DOCUMENT; sys.stdout.buffer.write(DOCUMENT)"
    for seed in ("1", "2"):  # no order of a set may show
        hashing = os.environ | {"PYTHONHASHSEED": seed}
        made = subprocess.run([sys.executable, "-c", show], env=hashing, check=True, capture_output=True, timeout=60)
        assert made.stdout == DOCUMENT


def test_it_names_each_path_s_parameters() -> None:
    for path in contract.METHODS:
        given = {parameter["name"] for parameter in PATHS[path].get("get", {}).get("parameters", ())}
        assert given == set(contract.PARAMETERS.get(path, ()))


def test_its_parameters_have_the_limits_of_the_parser() -> None:
    limits = {one["name"]: one["schema"] for one in PATHS[contract.SEVERAL]["get"]["parameters"]}
    how = PATHS[contract.QUERY_LEAK]["get"]["parameters"][0]["schema"]

    assert limits["hold_ms"] == {"type": "integer", "minimum": 0, "maximum": contract.MAX_HOLD_MS}
    assert limits["times"] == {
        "type": "integer", "minimum": 1, "maximum": contract.MAX_TIMES, "default": contract.parse_times({}),
    }  # fmt: skip
    assert (how["enum"], how["default"]) == (list(contract.HOWS), contract.parse_how({}))


def test_every_answer_is_described_with_its_headers() -> None:
    statuses = {}
    for path, methods in PATHS.items():
        for method, operation in methods.items():
            statuses[method, path] = operation["responses"].keys() - BY_THE_SERVER.keys()
            assert operation["responses"].keys() > BY_THE_SERVER.keys()
            for status, answer in operation["responses"].items():
                if status in BY_THE_SERVER:
                    assert named(answer["content"][contract.JSON]["schema"]) == ["Error"]
                    continue
                more = {contract.RETRY_AFTER} if status == "503" else set()
                assert set(answer["headers"]) == {contract.SERVER_TIMING} | more
                assert answer["description"]

    plain, pooled = {"200", "422"}, {"200", "422", "503"}
    assert statuses == {
        ("get", contract.HEALTH): plain,
        ("get", contract.STATS): plain,
        ("get", contract.CONFIG): plain,
        ("post", contract.CONFIG): {"200", "403", "409", "413", "422", "503"},
        ("post", contract.RELEASE_LEAKS): {"200", "403", "422"},
        ("get", contract.METRICS): plain,
        ("get", contract.OPENAPI): plain,
        ("get", contract.QUERY): pooled,
        ("get", contract.QUERY_PROPER): pooled,
        ("get", contract.QUERY_LEAK): pooled | {"500"},
        ("get", contract.NESTED): pooled,
        ("get", contract.SEVERAL): pooled,
        ("get", contract.NOOP): plain,
    }


def test_its_links_lead_from_a_leak_to_its_release_and_to_the_counts() -> None:
    names = {operation["operationId"]: path for path, methods in PATHS.items() for operation in methods.values()}
    then = {
        (path, status): [names[link["operationId"]] for link in answer["links"].values()]
        for path, methods in PATHS.items()
        for operation in methods.values()
        for status, answer in operation["responses"].items()
        if "links" in answer
    }

    assert len(names) == sum(map(len, contract.METHODS.values()))
    assert then == {
        (contract.QUERY_LEAK, "200"): [contract.RELEASE_LEAKS],
        (contract.QUERY_LEAK, "500"): [contract.STATS],
        (contract.RELEASE_LEAKS, "200"): [contract.STATS],
        (contract.CONFIG, "200"): [contract.CONFIG, contract.QUERY],
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_what_the_services_build_is_what_it_says(example: Example) -> None:
    found = schema(example.path, example.method, example.status)

    validator(found).validate(json.loads(encode(example.body)))


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_it_refuses_what_the_models_refuse(example: Example) -> None:
    """Every value in turn is replaced by what may be wrong there. (20.0 for 20 is all the same to JSON Schema.)"""
    found = schema(example.path, example.method, example.status)
    check, bodies = validator(found), [getattr(models, name) for name in named(found)]
    refused = 0
    for body in spoilt(example.body):
        fits = any(_fits(model, body) for model in bodies)
        assert check.is_valid(body) == fits, body
        refused += not fits
    assert refused > len(example.body)


def test_a_statement_that_fails_when_both_connections_are_there_has_no_stage() -> None:
    assert named(schema(contract.NESTED, status=503)) == ["RejectedNested", "Rejected"]


def test_a_change_of_the_configuration_is_described_as_it_is_taken() -> None:
    body = PATHS[contract.CONFIG]["post"]["requestBody"]["content"][contract.JSON]["schema"]
    check = validator(body)

    assert named(body) == [CHANGE]
    assert set(SCHEMAS[CHANGE]["properties"]) == set(Config.model_fields) - {"tuning"}
    for name, value in Config().model_dump().items():
        for patch in ({name: value}, *({name: evil} for evil in EVIL)):
            assert check.is_valid(patch) == _is_taken(patch), patch
    assert not check.is_valid({})


def test_every_schema_is_used_and_every_field_described() -> None:
    used = {name for name in SCHEMAS if f'"#/components/schemas/{name}"' in DOCUMENT.decode()}
    assert used == set(SCHEMAS)
    for name, found in SCHEMAS.items():
        Draft202012Validator.check_schema(found)
        assert found["title"] == name
        assert found["description"]
        for field, described in found["properties"].items():
            assert described.keys() & {"description", "$ref"}, f"{name}.{field}"


def spoilt(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """`body` with one value in it replaced or gone, or one key more, at every depth."""
    for at in _places(body):
        for evil in (*EVIL, _GONE, _MORE):
            changed = copy.deepcopy(body)
            where: Any = changed
            for part in at[:-1]:
                where = where[part]
            if evil is _GONE:
                del where[at[-1]]
            elif evil is _MORE:
                where["more"] = 1
            else:
                where[at[-1]] = evil
            yield changed


_GONE, _MORE = object(), object()


def _places(value: object, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*at, key)
            yield from _places(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, (*at, index))


def _fits(model: type[models.Body], body: object) -> bool:
    try:
        model.model_validate(body)
    except ValidationError:
        return False
    return True


def _is_taken(patch: dict[str, Any]) -> bool:
    try:
        Config().changed(patch)
    except SettingsError:
        return False
    return True
