"""In which order connections were asked for and given: how many places each request was served out of its turn."""

from collections.abc import Sequence
from typing import Final

from bench.report.charts.data import Turns, turns
from bench.report.charts.model import Chart, Panel
from bench.report.charts.played import Played
from bench.report.charts.plot import Plot
from bench.report.charts.said import by_stack, figure, sentence
from bench.report.charts.scale import Axis, axis, ticks
from bench.report.rows import shown
from bench.report.view import View

MARKS: Final = (("c-turn c-dot", "a request"), ("c-fair", "in turn: first come, first served"))
LEAST: Final = 3
"""The scale reaches at least so many places to both sides: less is what simultaneous requests do."""


def order(view: View, scenario: str, played: Sequence[Played]) -> Chart | None:
    """The first repetition; None where order means nothing (all requests sent together, or one after another), where
    a request takes several connections or its answer does not say how long it waited, and where each had its turn in
    a scenario that does not ask for it."""
    told = [each for each in played if view.value(scenario, each.service, "overtaken") is not None]
    if not told or not all(each.one_checkout for each in told):
        return None
    found = {each: turns(each.first) for each in told}
    places = [late for dots, _ in found.values() for _, late in dots]
    of_note = any(view.value(scenario, each.service, "overtaken") for each in told)
    if not any(places) or not (of_note or "overtaken" in shown(view, scenario)):
        return None
    early, late = min(-LEAST, *places), max(LEAST, *places)
    asked = axis(max(count for _, count in found.values()), name="asked as nth", whole=True)
    moved = Axis(low=early, high=late, name="places later than its turn", ticks=ticks(early, late, whole=True))
    return Chart(
        kind="order",
        title="Order: asked for and given",
        see=_see(view, scenario, told),
        legend=MARKS,
        panels=tuple(Panel(service=each.service, svg=_panel(each, *found[each], asked, moved)) for each in told),
    )


def _panel(stack: Played, dots: Turns, count: int, asked: Axis, moved: Axis) -> str:
    early, late = (abs(end([place for _, place in dots], default=0)) for end in (min, max))
    label = f"{count} requests served by {stack.stack} in order of asking: up to {early} places early and {late} late"
    plot = Plot(asked, moved, kind="dots", label=label)
    plot.level(0, "c-fair")
    plot.dots(dots, "c-turn c-dot", "")
    return plot.svg()


def _see(view: View, scenario: str, played: Sequence[Played]) -> str:
    def said(stack: Played) -> str:
        overtaken, sent = (figure(view, scenario, stack.service, name) for name in ("overtaken", "sent"))
        return f"{'none' if overtaken == '0' else overtaken} of {sent} requests overtaken by one that asked later"

    return f"{sentence(by_stack(played, said))} Drawn is the first repetition."
