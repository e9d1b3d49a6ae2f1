"""Says what in a JSON body is not as its model of the contract has it, in one line that names the place."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services.common.models import Body

KINDS: Final[Mapping[str, str]] = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "model_type": "an object",
}
"""What pydantic calls a wrong type, and what should have been there."""

RULES: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "literal_error": lambda context: f", not {context['expected']}",
    "greater_than_equal": lambda context: (
        f": less than {context['ge']}" if context["ge"] else ": no number here is negative"
    ),
    "less_than_equal": lambda context: f": more than {context['le']}",
}


def mismatch(value: Any, model: type[Body]) -> str | None:
    """The first thing in `value` that is not as the contract says, missing keys before all else; None where it fits."""
    try:
        model.model_validate(value)
    except ValidationError as error:
        return _told(error.errors(include_url=False))
    return None


def _told(problems: list[ErrorDetails]) -> str:
    for kind, text in (("missing", "has no {}"), ("extra_forbidden", "has {}, which the contract does not know")):
        places = [problem["loc"] for problem in problems if problem["type"] == kind]
        if places:
            outermost = min((place[:-1] for place in places), key=len)
            names = ", ".join(str(place[-1]) for place in places if place[:-1] == outermost)
            return f"{_where(outermost)} {text.format(names)}"
    return _one(problems[0])


def _one(problem: ErrorDetails) -> str:
    kind, where, value = problem["type"], _where(problem["loc"]), problem["input"]
    if kind == "string_too_short":
        return f"{where} is empty"
    shown = f"{where} is {'null' if value is None else repr(value)[:40]}"
    if kind in KINDS:
        return f"{shown}, not {KINDS[kind]}"
    rule = RULES.get(kind)
    return shown + (rule(problem["ctx"]) if rule else f": {problem['msg']}")


def _where(place: tuple[int | str, ...]) -> str:
    """`draining[0].used`, as one would write it in code."""
    names = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return "".join(names).removeprefix(".") or "the body"
