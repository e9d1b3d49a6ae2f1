"""Answers and capacity over time around a fault, the mean of all repetitions."""

from collections.abc import Iterator, Sequence
from typing import Final

from bench.report.charts import data
from bench.report.charts.data import Bin
from bench.report.charts.faults import happened
from bench.report.charts.model import Chart, Panel, drawn_in
from bench.report.charts.played import Played
from bench.report.charts.plot import Plot
from bench.report.charts.said import by_stack, counts, sentence
from bench.report.charts.scale import axis, time_axis
from bench.report.view import View

SERVED, REJECTED, FAILED = "c-served", "c-rejected", "c-failed"
MARKS: Final = (
    (SERVED, "served (200)"),
    (REJECTED, "rejected (503)"),
    (FAILED, "failed"),
    ("c-capacity", "capacity: connections that are usable ÷ hold, median"),
)
WIDE: Final = 0.88
"""A column's share of its bin."""


def answers(view: View, scenario: str, played: Sequence[Played]) -> Chart | None:
    """None where nothing went wrong on purpose."""
    if not any(happened(each) for each in played):
        return None
    panels = tuple(
        Panel(service=each.service, svg=plot.svg()) for each, plot in around(view, scenario, played, capacity=True)
    )
    return Chart(
        kind="answers",
        title="Answers a second around the fault",
        see=sentence(by_stack(played, lambda each: counts(view, scenario, each))),
        legend=drawn_in(panels, MARKS),
        panels=panels,
    )


def around(view: View, scenario: str, played: Sequence[Played], *, capacity: bool) -> Iterator[tuple[Played, Plot]]:
    """The answers of each stack, on the same axes, with what went wrong and, if asked for, with the capacity."""
    end, hold_s = data.end_s(played), played[0].cell.hold_ms / 1000
    start, wide = data.bin_s(played[0].cell.load, hold_s, end)
    bins = {each: data.answers(each.results, start, wide) for each in played}
    lines = {each: _capacity(each, data.moments(end, played)) if capacity else [] for each in played}
    last = max(end, *(one.middle_s + wide / 2 for found in bins.values() for one in found))
    rates = [one.served + one.rejected + one.failed for found in bins.values() for one in found]
    highest = max(rates + [rate or 0.0 for points in lines.values() for _, rate in points], default=0.0)
    for each in played:
        label = f"Answers a second of {each.stack} over time: {counts(view, scenario, each)}"
        plot = Plot(time_axis(last), axis(highest, "/s"), kind="time", label=label)
        _stack(plot, bins[each], wide)
        plot.steps(lines[each], "c-capacity", "capacity")
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


def _capacity(stack: Played, at_s: Sequence[float]) -> list[tuple[float, float | None]]:
    """Answers a second that its usable connections can give; the median over the repetitions, or None."""
    hold_s = stack.cell.hold_ms / 1000
    bands = data.over_time([data.usable(one) for one in stack.results], at_s)
    return [(band.t_s, None if band.middle is None else band.middle / hold_s) for band in bands]
