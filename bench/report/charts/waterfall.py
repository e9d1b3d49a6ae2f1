"""Which request waited where, and which were rejected: a line for each, from its arrival to its end."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from bench.report.charts.data import ROWS, Way, ways
from bench.report.charts.model import Chart, Panel, drawn_in
from bench.report.charts.played import Played
from bench.report.charts.plot import Plot
from bench.report.charts.said import by_stack, counts, sentence
from bench.report.charts.scale import Axis, axis
from bench.report.view import View

HEIGHT: Final = 2500
MARKS: Final = {
    "c-queue": ("server queue", "server queue", 0.5),
    "c-waits": ("waits for a connection, served", "waits", 0.6),
    "c-rejected": ("waits for a connection, rejected (503)", "waits, rejected", 0.6),
    "c-failed": ("fails", "fails", 0.6),
    "c-holds": ("holds a connection", "holds", 1.0),
}
"""Class → its words in the legend and under the pointer, and its share of a row's height."""


def waterfall(view: View, scenario: str, played: Sequence[Played]) -> Chart | None:
    """The first repetition; None where no request waits for another."""
    found = {each.service: ways(each.first) for each in played}
    if max(map(len, found.values()), default=0) < 2:
        return None
    every = [way for drawn in found.values() for way in drawn]
    seconds = _time(min(way.start for way in every), max(way.end for way in every))
    panels = tuple(Panel(service=each.service, svg=_panel(each, found[each.service], seconds)) for each in played)
    return Chart(
        kind="waterfall",
        title="Each request from its arrival to its end",
        see=f"{sentence(by_stack(played, lambda each: counts(view, scenario, each)))}{_which(played, found)}",
        legend=drawn_in(panels, ((css, words) for css, (words, _, _) in MARKS.items())),
        panels=panels,
    )


def _time(start_ms: float, end_ms: float) -> Axis:
    """In milliseconds where it is short."""
    return axis(end_ms, "ms", low=start_ms) if end_ms < 2000 else axis(end_ms / 1000, "s", low=start_ms / 1000)


def _panel(stack: Played, drawn: Sequence[Way], time: Axis) -> str:
    became = Counter(way.became for way in drawn)
    told = ", ".join(f"{count} {kind}" for kind, count in became.items())
    plot = Plot(
        time,
        Axis(low=len(drawn), high=0, name="requests, the first on top"),
        kind="rows",
        height=HEIGHT,
        left=120,
        label=f"{stack.stack}: {len(drawn)} of {stack.first.height} requests of one repetition, {told}",
    )
    scale = 1 if time.unit == "ms" else 1000
    for css, (_, name, thick) in MARKS.items():
        spans = ((nth + 0.5, _span(way, css)) for nth, way in enumerate(drawn))
        plot.rows([(span[0] / scale, span[1] / scale, y) for y, span in spans if span], css, name, thick)
    return plot.svg()


def _span(way: Way, css: str) -> tuple[float, float] | None:
    """From when until when a request is so, in milliseconds."""
    if way.became == "failed":
        return (way.start, way.end) if css == "c-failed" else None
    waits = "c-waits" if way.became == "served" else "c-rejected"
    return {"c-queue": (way.start, way.asked), waits: (way.asked, way.held), "c-holds": (way.held, way.end)}.get(css)


def _which(played: Sequence[Played], found: Mapping[str, Sequence[Way]]) -> str:
    """Which requests are drawn, where not all are, and what one line stands for, where that is not plain."""
    parts = [""]
    if any(len(found[each.service]) < each.first.height for each in played):
        middle = "in the middle of" if any(each.first.height > 2 * ROWS for each in played) else "spread evenly over"
        parts.append(f"Drawn are {ROWS} requests {middle} the first repetition.")
    if not all(each.one_checkout for each in played):
        parts.append("A request takes several connections in turn: its waits are added up, and so are its holds.")
    return " ".join(parts)
