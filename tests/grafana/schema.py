"""Grafana's dashboard schema, as the Foundation SDK has it: its classes are generated from that schema."""

from collections.abc import Iterator
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from grafana_foundation_sdk.cog.plugins import register_default_plugins

from grafana.files import as_json
from grafana.sdk import dashboard as model

register_default_plugins()


def problems(data: dict[str, Any]) -> list[str]:
    """What the schema does not know (it is gone after the round trip), and what has the wrong type in it."""
    board = model.Dashboard.from_json(data)
    again = as_json(board)
    return [*_differences(data, again, "dashboard"), *_faults(board, model.Dashboard, "dashboard")]


def _differences(data: Any, again: Any, where: str) -> Iterator[str]:
    if isinstance(data, dict) and isinstance(again, dict):
        for key in sorted(data.keys() | again.keys()):
            if key not in again:
                yield f"{where}.{key}: not in the schema"
            elif key not in data:
                yield f"{where}.{key}: missing"
            else:
                yield from _differences(data[key], again[key], f"{where}.{key}")
    elif isinstance(data, list) and isinstance(again, list) and len(data) == len(again):
        for nth, (one, other) in enumerate(zip(data, again, strict=True)):
            yield from _differences(one, other, f"{where}[{nth}]")
    elif data != again:
        yield f"{where}: {data!r} became {again!r}"


def _faults(value: Any, hint: Any, where: str) -> Iterator[str]:
    kind, arguments = get_origin(hint), get_args(hint)
    if kind in (Union, UnionType):
        trials = [list(_faults(value, one, where)) for one in arguments]
        if all(trials):  # the one that fits best is that whose first fault lies deepest
            yield from max(trials, key=lambda faults: faults[0].partition(":")[0].count("."))
    elif kind is list and isinstance(value, list):
        for nth, item in enumerate(value):
            yield from _faults(item, arguments[0], f"{where}[{nth}]")
    elif kind is dict and isinstance(value, dict):
        for key, item in value.items():
            yield from _faults(item, arguments[1], f"{where}.{key}")
    elif not _fits(value, kind, hint, arguments):
        yield f"{where}: {value!r} is no {hint}"
    elif hasattr(value, "to_json"):
        for name, inner in get_type_hints(type(value)).items():
            yield from _faults(getattr(value, name), inner, f"{where}.{name}")


def _fits(value: Any, kind: Any, hint: Any, arguments: tuple[Any, ...]) -> bool:
    if hint in (Any, object):
        return True
    if kind is Literal:
        return value in arguments
    if kind is not None:
        return False
    if isinstance(hint, type) and issubclass(hint, Enum):
        return value in {member.value for member in hint}
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, int | float if hint is float else hint)
