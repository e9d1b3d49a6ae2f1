"""A run at a glance: a line for each scenario with its marks, and the verdicts in words."""

import math
import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from bench.analysis.judged_by import primary_of
from bench.analysis.rule import MARGIN
from bench.metrics.registry import METRICS
from bench.record.summary import Comparison
from bench.report import prose
from bench.report.overview import overview_rows
from bench.report.screen import HELD
from bench.report.table import Table
from bench.report.verdicts import best, nothing
from bench.report.view import View

Standing = Literal["better", "equivalent", "undecided", "not judged"]
STANDINGS: Final[tuple[Standing, ...]] = ("better", "equivalent", "undecided", "not judged")
BETTER, SURPRISE, BOUND, BUSY = "+", "!", "*", "†"
MARKS: Final = frozenset({BETTER, SURPRISE, BOUND, BUSY})
FAR: Final = 0.1
"""A figure is not the forecast where it is further from it than this share of it; a number served, than two points."""


def glance(view: View, *, alone: bool, forecast: bool = True) -> Table:
    """A line for each scenario: its primary metric, `alone` or with intervals, and the marks of each stack."""
    rows = [_short(row) for row in overview_rows(view, _marks, alone=alone)]
    headers = ("scenario", "figure", "forecast", *map(view.stack, view.services))
    keep = [nth for nth in range(len(headers)) if forecast or headers[nth] != "forecast"]
    return Table(
        title=view.run.plan.profile,
        about=prose.setting(view, own_hold=True),
        headers=tuple(headers[nth] for nth in keep),
        rows=tuple(tuple(row[nth] for nth in keep) for row in rows),
        notes=tuple(_notes(view, " ".join(text for row in rows for text in row[3:]), alone=alone)),
        labels=2,
    )


def verdict_lines(view: View) -> tuple[tuple[Standing | Literal[""], str], ...]:
    """Verdict → the scenarios that have it, a line for each better stack with its name; "" in place of a verdict that
    stands in the line above, and nothing where no repetitions judge."""
    if not judged(view):
        return ()
    found: dict[Standing, dict[str, list[str]]] = {standing: {} for standing in STANDINGS}
    for name in view.scenarios:
        compared = _compared(view, name)
        if compared:
            standing = _standing(compared)
            of = " and ".join(map(view.stack, best(compared))) if standing == "better" else ""
            found[standing].setdefault(of or _why(compared, standing), []).append(name)
    return tuple(
        (standing if not nth else "", f"{of}: {', '.join(names)}" if of else ", ".join(names))
        for standing, groups in found.items()
        for nth, (of, names) in enumerate(groups.items())
    )


def judged(view: View) -> bool:
    """Whether there are verdicts."""
    return any(found.verdict not in ("not judged", "CPU-bound") for found in view.summary.comparisons)


def tells(view: View, name: str) -> bool:
    """Whether a scenario shows something: a stack that is better, or a figure far from its forecast."""
    return bool(best(_compared(view, name))) or _far(view, name)


def _compared(view: View, name: str) -> list[Comparison]:
    return [found for found in view.summary.comparisons if found.scenario == name]


def _standing(compared: Sequence[Comparison]) -> Standing:
    """Of all pairs of a scenario together: one that is better is told before what is undecided."""
    verdicts = {found.verdict for found in compared}
    return next((standing for standing in ("better", "undecided", "equivalent") if standing in verdicts), "not judged")


def _why(compared: Sequence[Comparison], standing: Standing) -> str:
    """Of what is not judged, where that is not by its nature."""
    if standing != "not judged":
        return ""
    return "CPU-bound" if any(found.verdict == "CPU-bound" for found in compared) else ""


def _short(row: tuple[str, ...]) -> tuple[str, ...]:
    """What stands beside the figure above it needs no unit."""
    return row if row[0] else ("", row[1].partition(", ")[0], *row[2:])


def _marks(view: View, name: str, service: str) -> str:
    """Held to its figure by a no-break space."""
    found = (
        BETTER if service in best(_compared(view, name)) else "",
        SURPRISE if _surprise(view, name, service) else "",
        BOUND if view.bound(name, service) else "",
        BUSY if view.busy(name, service) else "",
    )
    marks = "".join(found)
    return f"{HELD}{marks}" if marks else ""


def _far(view: View, name: str) -> bool:
    return any(_surprise(view, name, service) for service in view.services)


def _surprise(view: View, name: str, service: str) -> bool:
    """Whether a stack's figure is far from its forecast."""
    metric = METRICS[primary_of(name)]
    if not view.has(name, service):
        return False
    said, value = view.foretold(name, service).get(metric.name), metric.measured(view.value(name, service, metric.name))
    if said is None or value is None:
        return False
    if math.isinf(said) or math.isinf(value):
        return said != value
    of = MARGIN * (view.value(name, service, "sent") or 0) if metric.name == "ok" else FAR * said
    return abs(value - said) > of


def _notes(view: View, figures: str, *, alone: bool) -> Iterator[str]:
    """What the figures and their marks mean."""
    if alone and any(cell.repetitions > 1 for cell in view.summary.cells):
        yield "medians; --details and a wider terminal show intervals"
    if re.search(r"\(\S+–\S+\)", figures):
        yield "(low–high): the 95 % interval of the median over the repetitions"
    if re.search(r"\[\S+–\S+\]", figures):
        yield "[low–high]: the lowest and the highest repetition"
    marks = set("".join(re.findall(rf"{HELD}([^\s%]+)", figures)))
    if BETTER in marks:
        yield f"{BETTER} better than another stack, and none is better"
    if SURPRISE in marks:
        yield f"{SURPRISE} not the forecast: over {100 * FAR:.0f} % from it (served: {100 * MARGIN:.0f} points)"
    if BOUND in marks:
        yield f"{BOUND} CPU-bound: not about the pool, and in no comparison"
    if BUSY in marks:
        yield f"{BUSY} {prose.BUSY}"
    if why := nothing(view):
        yield why
