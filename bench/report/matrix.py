"""Contrast by scenario: what each pair of stacks says of the one thing in which it differs."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bench.record.schema import StackFacts, played_as
from bench.record.summary import Comparison
from bench.report.table import Table
from bench.report.verdicts import UNJUDGED, amount
from bench.report.view import View
from services.contrasts import contrasts, differing
from services.stacks import STACKS, Stack

LEAST: Final = 2
"""Fewer contrasts are a table of verdicts already."""
NAMED_BY: Final[Mapping[str, str]] = MappingProxyType(
    {"pool": "pool", "pool and driver": "driver", "front": "front", "front and server": "front"}
)
"""Factor → the field of a stack that says what a side of it is called; others are called as the stacks are."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A contrast in a scenario."""

    scenario: str
    verdict: str
    text: str
    """Which side is better and by how much, or the verdict."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A contrast."""

    a: str
    b: str
    differs: str
    """What a verdict names, or all fields in which the two differ."""
    factor: bool
    """Whether that is one factor."""
    includes: str
    """What comes with it; "" where nothing does."""
    entries: tuple[Entry | None, ...]
    """In the order of the scenarios; None where the two were not compared."""


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """All contrasts of a run, those that name a factor first."""

    scenarios: tuple[str, ...]
    """Those in which anything was judged."""
    lines: tuple[Line, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What comes with the factors."""
        said = list(dict.fromkeys(line.includes for line in self.lines if line.includes))
        if not all(line.factor for line in self.lines):
            said.append("Where several things differ, a verdict says which stack is better, and not what makes it so.")
        return tuple(said)


def matrix(view: View) -> Matrix | None:
    """The contrasts of a run by scenario; None where there are fewer than two, or nothing was judged."""
    compared = {(found.a, found.b, found.scenario): found for found in view.summary.comparisons}
    judged = {found.scenario for found in compared.values() if found.verdict not in UNJUDGED}
    scenarios = tuple(name for name in view.scenarios if name in judged)
    layer = view.run.plan.layer
    lines = [
        Line(
            a=contrast.a,
            b=contrast.b,
            differs=contrast.named(layer) or ", ".join(_fields(view, contrast.a, contrast.b)) or "unknown",
            factor=contrast.named(layer) is not None,
            includes=contrast.includes if contrast.named(layer) else "",
            entries=tuple(_entry(view, compared.get((contrast.a, contrast.b, name))) for name in scenarios),
        )
        for contrast in contrasts(view.services, layer)
        if any((contrast.a, contrast.b, name) in compared for name in scenarios)
    ]
    if len(lines) < LEAST:
        return None
    return Matrix(scenarios=scenarios, lines=tuple(sorted(lines, key=lambda line: not line.factor)))


def matrix_table(view: View) -> Table | None:
    """The same as a table; None where there is none."""
    found = matrix(view)
    if found is None:
        return None
    return Table(
        title="Contrasts",
        about="what differs between two stacks, and which side of it is better by how much in each scenario",
        headers=("what differs", "stacks", *found.scenarios),
        rows=tuple(
            (
                line.differs,
                f"{view.stack(line.a)} / {view.stack(line.b)}",
                *(entry.text if entry else "" for entry in line.entries),
            )
            for line in found.lines
        ),
        notes=found.notes,
        labels=2,
    )


def _entry(view: View, found: Comparison | None) -> Entry | None:
    if found is None:
        return None
    text: str = found.verdict
    if found.better:
        text = f"{_side(view, found.better, found.factor)} {amount(found)}"
    return Entry(scenario=found.scenario, verdict=found.verdict, text=text)


def _side(view: View, service: str, factor: str | None) -> str:
    """`psycopg_pool`, where the pool is all that differs; else the stack's name."""
    known, field = _facts(view, service), NAMED_BY.get(factor or "")
    return str(getattr(known, field)) if known and field else view.stack(service)


def _fields(view: View, a: str, b: str) -> tuple[str, ...]:
    """In what two stacks differ, as far as it is known of both."""
    ours, theirs = _facts(view, a), _facts(view, b)
    return differing(ours, theirs, view.run.plan.layer) if ours and theirs else ()


def _facts(view: View, service: str) -> StackFacts | Stack | None:
    """What a stack is made of, as recorded or by the registry."""
    own = played_as(service)[0]
    return view.run.stacks.get(own) or STACKS.get(own)
