"""Every query of a dashboard, in the order of its panels, ready to be run on a Prometheus."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

VARIABLE: Final = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)")
"""`${name}`, `${name:format}` or `$name`; none of them is PromQL."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One query of one panel, its variables filled in."""

    dashboard: str
    panel: str
    expr: str


def expressions(dashboard: Mapping[str, Any], values: Mapping[str, str]) -> list[Expression]:
    """All queries of `dashboard` (its uid is what they are filed under).

    `values` has a text for each variable, without the dollar: `__rate_interval`, `service` … A variable that it lacks
    is a KeyError that names it, because a query with a hole in it proves nothing.
    """
    return [
        Expression(dashboard["uid"], panel["title"], VARIABLE.sub(lambda m: values[m[1] or m[2]], target["expr"]))
        for panel in panels(dashboard)
        for target in panel.get("targets", ())
    ]


def panels(dashboard: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every panel, rows included, and what a collapsed row hides after its row."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", ())
