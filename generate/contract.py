"""The tables of docs/contract.md, from the contract's own code."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic.fields import FieldInfo

from generate.markdown import table
from services.common import contract, instruments, models
from services.common.instruments import Instrument
from services.common.openapi import BY_THE_SERVER, DOCUMENT
from services.common.settings import Settings

MOST_VALUES: Final = 6
"""An enumeration that is longer is told by its ends."""

Schema = Mapping[str, Any]

_OPENAPI: Final[Schema] = json.loads(DOCUMENT)
_SCHEMAS: Final[Schema] = _OPENAPI["components"]["schemas"]


def tables() -> dict[str, str]:
    """Part of the page → its table."""
    return {
        "requests": _requests(),
        "parameters": _parameters(),
        "statuses": _statuses(),
        "bodies": _bodies(),
        "environment": _environment(),
        "metrics": _metrics(),
    }


def _operations() -> Iterable[tuple[str, str, Schema]]:
    for path, methods in _OPENAPI["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _requests() -> str:
    rows = []
    for method, path, operation in _operations():
        answers = operation["responses"]
        others = ", ".join(status for status in answers if status not in ("200", *BY_THE_SERVER))
        named = " and ".join(f"`{one['name']}`" for one in operation["parameters"])
        taken = _bodies_of(operation["requestBody"]) if "requestBody" in operation else named
        rows.append((f"`{method} {path}`", operation["summary"], taken, _bodies_of(answers["200"]), others))
    return table(("request", "what it does", "takes", "200", "or"), rows)


def _parameters() -> str:
    of: dict[str, list[str]] = {}
    described: dict[str, Schema] = {}
    for _, path, operation in _operations():
        for parameter in operation["parameters"]:
            of.setdefault(parameter["name"], []).append(f"`{path}`")
            described[parameter["name"]] = parameter
    rows = (
        (f"`{name}`", ", ".join(paths), _kind(one["schema"]), str(one["schema"].get("default", "")), one["description"])
        for name, paths in of.items()
        for one in (described[name],)
    )
    return table(("parameter", "of", "value", "default", "meaning"), rows)


def _statuses() -> str:
    seen: dict[tuple[str, str], str] = {}
    for _, _, operation in _operations():
        for status, answer in operation["responses"].items():
            if status != "200":
                seen[status, _bodies_of(answer)] = answer["description"]
    elsewhere = _link(models.Error.__name__)
    seen["404", elsewhere] = "The path is not in the contract. A trailing slash makes another path."
    seen["405", elsewhere] = "The path does not take this method; `Allow` names those it takes. HEAD is such a method."
    rows = [(status, text, body) for (status, body), text in sorted(seen.items())]
    return table(("status", "when", "body"), [("200", "As asked.", "that of the request"), *rows])


def _bodies() -> str:
    """Every body once, in the order in which the document first speaks of it: paths stand before bodies."""
    named = dict.fromkeys(re.findall(r'"#/components/schemas/(\w+)"', DOCUMENT.decode()))
    return "\n\n".join(_body(name, _SCHEMAS[name]) for name in named)


def _body(name: str, schema: Schema) -> str:
    """One body; where its model builds on another one, only what it adds or changes."""
    model = getattr(models, name, None)
    base = model.__bases__[0].__name__ if model else ""
    known: Schema = _SCHEMAS.get(base, {}).get("properties", {})
    optional = schema["properties"].keys() - set(schema.get("required", ()))
    rows = [
        (f"`{field}`" + (" (may be missing)" if model and field in optional else ""), _kind(one), _meaning(one))
        for field, one in schema["properties"].items()
        if known.get(field) != one
    ]
    lead = f"{schema['description']} As {_link(base)}, with:" if known else schema["description"]
    return f"### {name}\n\n{lead}\n\n{table(('field', 'value', 'meaning'), rows)}"


def _environment() -> str:
    schemas: Schema = Settings.model_json_schema()["properties"]
    rows = (
        (f"`{name.upper()}`", _kind(schemas[name]), _default(field), str(field.description))
        for name, field in Settings.model_fields.items()
    )
    return table(("variable", "value", "default", "meaning"), rows)


def _default(field: FieldInfo) -> str:
    return f"{field.default:g}" if isinstance(field.default, float) else str(field.default)


def _metrics() -> str:
    rows = [
        *(_metric(one, "gauge", key) for key, one in instruments.GAUGES.items()),
        *(_metric(one, "counter", key) for key, one in instruments.COUNTERS.items()),
        *(_metric(one, "histogram") for one in instruments.HISTOGRAMS),
        _metric(instruments.REQUESTS, "counter", labels=instruments.HTTP_LABELS),
        _metric(instruments.REQUEST, "histogram", labels=instruments.HTTP_LABELS),
    ]
    head = ("metric", "kind", "labels", "what it counts", "in `/pool/stats`", "semantic conventions")
    return table(head, rows)


def _metric(one: Instrument, kind: str, key: str = "", labels: tuple[str, ...] = instruments.LABELS) -> tuple[str, ...]:
    suffix = "_total" if kind == "counter" else ""
    twins = (
        f"`{theirs}{suffix}`" + "".join(f" with {name} {value}" for name, value in extra.items())
        for ours, theirs, extra in instruments.CONVENTIONAL
        if ours == one.name
    )
    return f"`{one.name}{suffix}`", kind, ", ".join(labels), one.text, f"`{key}`" if key else "", ", ".join(twins)


def _bodies_of(described: Schema) -> str:
    """The JSON bodies of an answer or a request; other media by their types."""
    content: Schema = described["content"]
    if contract.JSON not in content:
        return " or ".join(f"`{kind}`" for kind in content)
    return _kind(content[contract.JSON]["schema"])


def _kind(schema: Schema) -> str:
    """What a schema allows, in words."""
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "const" in schema:
        return json.dumps(schema["const"]).strip('"')
    if "enum" in schema:
        values = schema["enum"]
        return f"{values[0]} to {values[-1]}" if len(values) > MOST_VALUES else ", ".join(values)
    kind: str = schema["type"]
    if kind == "array":
        return f"list of {_kind(schema['items'])}"
    words = {"integer": "whole number", "string": "text", "boolean": "true or false", "object": "OpenAPI 3.1"}
    return words.get(kind, kind) + _limits(schema)


def _limits(schema: Schema) -> str:
    least, most = schema.get("minimum", 0), schema.get("maximum")
    if most is not None:
        return f" ({least} to {most})"
    return f" (at least {least})" if least else ""


def _meaning(schema: Schema) -> str:
    if "$ref" in schema:
        return str(_SCHEMAS[schema["$ref"].rpartition("/")[2]]["description"])
    return str(schema["description"])


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"
