"""The README's picture: what becomes of each stack when connections leak and their references are lost."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from bench.errors import UserError
from bench.record.columns import CellRows
from bench.report import words
from bench.report.charts.answers import REJECTED, SERVED, around
from bench.report.charts.model import Panel, drawn_in
from bench.report.charts.picture import Sheet
from bench.report.charts.played import Played, played
from bench.report.charts.said import by_stack, figure
from bench.report.charts.style import Scheme
from bench.report.loads import load
from bench.report.view import View
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.model import Leak

DRAWN: Final = "leak-dropped"
FILES: Final[Mapping[Scheme, str]] = MappingProxyType({"light": "hero-light.svg", "dark": "hero-dark.svg"})
"""How the picture is called beside its run."""
LEGEND: Final = ((SERVED, "served (200)"), (REJECTED, "rejected (503): no connection within the acquire timeout"))


def hero(view: View, rows: Sequence[CellRows], scheme: Scheme) -> str:
    """One SVG file, from the rows of at least the scenario `DRAWN`; raises UserError where the run has no figures of
    it."""
    stacks = played(view, DRAWN, rows)
    if not stacks:
        raise UserError(f"this run has no {DRAWN} to draw")
    title, about = _title(view, stacks), _about(stacks)
    said = {each.service: _counts(view, each) for each in stacks}
    panels = [Panel(service=each.service, svg=plot.svg()) for each, plot in around(view, DRAWN, stacks, possible=False)]
    sheet = Sheet()
    sheet.say(title, "title")
    sheet.say(about)
    sheet.panels(panels, view.stack, said)
    sheet.legend(drawn_in(panels, LEGEND))
    return sheet.svg(f"{title} {about} {by_stack(stacks, lambda each: said[each.service])}.", scheme)


def _title(view: View, stacks: Sequence[Played]) -> str:
    """Which serve on, and which never again."""
    count = sum(fault.count for fault in SCENARIOS[DRAWN].faults if isinstance(fault, Leak))
    again = [each for each in stacks if view.value(DRAWN, each.service, "recovered_s") is not None]
    leak = f"{count} connections leak."
    if len(again) == len(stacks):
        return f"{leak} Every stack takes them back and serves on."
    lost = f"{len(stacks) - len(again)} of {len(stacks)} stacks never serve again"
    if not again:
        return f"{leak} No stack serves again."
    if len(again) == 1:
        return f"{leak} {lost}; {again[0].stack} takes them back."
    return f"{leak} {lost}."


def _about(stacks: Sequence[Played]) -> str:
    cell = stacks[0].cell
    fewest, most = min(each.repetitions for each in stacks), max(each.repetitions for each in stacks)
    repetitions = words.counted(most, "repetition") if fewest == most else f"{fewest} to {most} repetitions"
    return f"Answers a second at {load(cell.load)}, on a pool of {cell.pool_size}; mean of {repetitions}."


def _counts(view: View, stack: Played) -> str:
    ok, rejected = (figure(view, DRAWN, stack.service, name) for name in ("ok", "timed_out"))
    return f"{ok} served, {rejected} rejected"
