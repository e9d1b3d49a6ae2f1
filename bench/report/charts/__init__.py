"""The pictures of a run as pure functions of its record: plain SVG, the same in the page and in files."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Final

from bench.record.columns import CellRows
from bench.report.charts.answers import answers
from bench.report.charts.hero import FILES as HEROES
from bench.report.charts.hero import hero
from bench.report.charts.intervals import verdict_intervals
from bench.report.charts.model import Chart, Panel
from bench.report.charts.order import order
from bench.report.charts.picture import picture
from bench.report.charts.played import Played, played
from bench.report.charts.pool import connections, waiting
from bench.report.charts.style import STYLE, swatch
from bench.report.charts.waits import waits
from bench.report.charts.waterfall import waterfall
from bench.report.view import View

__all__ = ["HEROES", "HOVER", "STYLE", "Chart", "Panel", "charts", "hero", "picture", "swatch", "verdict_intervals"]

HOVER: Final = files(__package__).joinpath("hover.js").read_text(encoding="utf-8")
"""Plain JavaScript for a page with an element `tip` and, for screen readers, a live one called `live`: the pointer and
the arrow keys show the values of a chart."""
DRAWN: Final[tuple[Callable[[View, str, Sequence[Played]], Chart | None], ...]] = (
    answers,
    waterfall,
    connections,
    waiting,
    waits,
    order,
)
"""In the order in which they stand."""


def charts(view: View, scenario: str, rows: Sequence[CellRows]) -> tuple[Chart, ...]:
    """Those that answer something for a scenario, from the rows of its results; none where none has figures, or where
    requests take no connection."""
    stacks = [each for each in played(view, scenario, rows) if each.pooled]
    if not stacks:
        return ()
    without = _without(view, scenario, stacks)
    found = (draw(view, scenario, stacks) for draw in DRAWN)
    return tuple(replace(chart, see=f"{chart.see}{without}") for chart in found if chart)


def _without(view: View, scenario: str, stacks: Sequence[Played]) -> str:
    """Which stacks are not drawn, and why: ` Without psycopg_pool + Flask (failed).`"""
    drawn = {each.service for each in stacks}
    absent = {each: view.absent(scenario, each) or "no requests" for each in view.services if each not in drawn}
    said = ", ".join(f"{view.stack(each)} ({why})" for each, why in absent.items())
    return f" Without {said}." if said else ""
