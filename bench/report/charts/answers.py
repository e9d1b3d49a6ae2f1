"""Answers a second around a fault, and how many the usable connections could give, over all repetitions."""

from collections.abc import Iterator, Sequence
from typing import Final

from bench.report.charts import data
from bench.report.charts.data import Bin
from bench.report.charts.faults import happened
from bench.report.charts.model import Chart, Panel, drawn_in
from bench.report.charts.played import Played
from bench.report.charts.plot import Plot
from bench.report.charts.said import by_stack, counts, figure, sentence
from bench.report.charts.scale import axis, time_axis
from bench.report.view import View
from services.workload.samples import LEAK

SERVED, REJECTED, FAILED = "c-served", "c-rejected", "c-failed"
MARKS: Final = (
    (SERVED, "served (200)"),
    (REJECTED, "rejected (503)"),
    (FAILED, "failed"),
    ("c-usable", "possible: usable connections ÷ hold, the median"),
)
WIDE: Final = 0.88
"""A column's share of its bin."""


def answers(view: View, scenario: str, played: Sequence[Played]) -> Chart | None:
    """None where nothing went wrong on purpose."""
    if not any(happened(each) for each in played):
        return None

    def said(stack: Played) -> str:
        return ", ".join(filter(None, (counts(view, scenario, stack), _again(view, scenario, stack))))

    panels = tuple(
        Panel(service=each.service, svg=plot.svg()) for each, plot in around(view, scenario, played, possible=True)
    )
    return Chart(
        kind="answers",
        title="Answers a second around the fault",
        see=sentence(by_stack(played, said)),
        legend=drawn_in(panels, MARKS),
        panels=panels,
    )


def around(view: View, scenario: str, played: Sequence[Played], *, possible: bool) -> Iterator[tuple[Played, Plot]]:
    """The answers of each stack, on the same axes, with what went wrong and, if asked for, with what is possible."""
    end, hold_s = data.end_s(played), played[0].cell.hold_ms / 1000
    start, wide = data.bin_s(played[0].cell.load, hold_s, end)
    bins = {each: data.answers(each.results, start, wide) for each in played}
    lines = {each: _possible(each, data.moments(end, played)) if possible else [] for each in played}
    last = max(end, *(one.middle_s + wide / 2 for found in bins.values() for one in found))
    rates = [one.served + one.rejected + one.failed for found in bins.values() for one in found]
    highest = max(rates + [rate or 0.0 for points in lines.values() for _, rate in points], default=0.0)
    for each in played:
        label = f"Answers a second of {each.stack} over time: {counts(view, scenario, each)}"
        plot = Plot(time_axis(last), axis(highest, "/s"), kind="time", label=label)
        _stack(plot, bins[each], wide)
        plot.steps(lines[each], "c-usable", "possible")
        for at, word in happened(each):
            plot.moment(at, word)
        yield each, plot


def _stack(plot: Plot, bins: Sequence[Bin], wide: float) -> None:
    """Columns, one kind of answer on the other."""
    below = [0.0] * len(bins)
    for css in (SERVED, REJECTED, FAILED):
        name = css.removeprefix("c-")
        above = [low + getattr(one, name) for low, one in zip(below, bins, strict=True)]
        plot.columns(zip((one.middle_s for one in bins), below, above, strict=True), css, name, wide * WIDE)
        below = above


def _possible(stack: Played, at_s: Sequence[float]) -> list[tuple[float, float | None]]:
    """Answers a second that its usable connections can give; the median over the repetitions, or None."""
    hold_s = stack.cell.hold_ms / 1000
    bands = data.over_time([data.usable(one) for one in stack.results], at_s)
    return [(band.t_s, None if band.middle is None else band.middle / hold_s) for band in bands]


def _again(view: View, scenario: str, stack: Played) -> str:
    """How soon requests were served again; "" where that is not known."""
    leak = LEAK in {event.kind for result in stack.results for event in result.events}
    name = "recovered_s" if leak else "served_again_s"
    value, written = view.value(scenario, stack.service, name), figure(view, scenario, stack.service, name)
    if value is None:
        return "none served after the leak" if leak else ""
    if leak:
        return f"served again {written} s after the leak"
    return f"every request served again {written} s after the outage" if value else "every later request served"
