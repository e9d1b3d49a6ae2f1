"""How long requests wait, over all repetitions and beside the forecast: the share of them that waits longer."""

import math
from collections.abc import Sequence
from typing import Final

import polars as pl

from bench.analysis.forecast import expected
from bench.metrics.quantiles import LEAST_FOR_P99, QUANTILES, name_of
from bench.report.charts.data import survival
from bench.report.charts.model import Chart, Panel
from bench.report.charts.played import Played
from bench.report.charts.plot import Plot
from bench.report.charts.said import by_stack, figure, milliseconds, sentence
from bench.report.charts.scale import Axis, axis
from bench.report.charts.style import SERIES
from bench.report.view import View
from services.workload.loads import Burst

LEFT: Final = 800
"""At least; longer words beside the ticks take `MARGIN` and `LETTER` for each letter."""
MARGIN: Final = 60
LETTER: Final = 51
HEIGHT: Final = 2300
LONGER: Final = (1, 2, 10, 100, 1000, 10_000, 100_000, 1_000_000)
"""The ticks: one request in so many waits longer."""
LINE: Final = ("c-forecast", "forecast")
DOTS: Final = ("c-forecast c-dot", "forecast of each repetition: median, p95, p99, longest")
Curve = list[tuple[float, float]]
"""(wait in ms, the percentage of all requests that wait longer)."""
MANY: Final = 5.0
"""Where so many percent are rejected in every stack there is no tail to look at, and the scale is linear."""


def waits(view: View, scenario: str, played: Sequence[Played]) -> Chart | None:
    """None where answers do not say how long their requests waited, or where none waited."""
    requests = {each: pl.concat([one.requests for one in each.results]) for each in played}
    curves = {each: _curve(frame) for each, frame in requests.items() if survival(frame)}
    steps, dots = _stairs(view, scenario, played), _quantiles(view, scenario, played)
    longest = max((wait for curve in (*curves.values(), steps, dots) for wait, _ in curve), default=0.0)
    if not curves or longest < 1:
        return None
    marks = {each: (f"c-s{view.services.index(each.service) % SERIES + 1}", each.stack) for each in curves}
    see, sent = _see(view, scenario, tuple(curves)), [requests[each].height for each in curves]
    shares = _shares(sent, min(curve[-1][1] for curve in (*curves.values(), steps or dots) if curve))
    plot = Plot(
        axis(longest * 1.03, "ms", "wait"),
        shares,
        kind="time",
        height=HEIGHT,
        left=max(LEFT, MARGIN + LETTER * max(len(said) for _, said in shares.ticks)),
        label=f"Share of the requests that wait longer than so many ms. {see}",
    )
    for each, curve in curves.items():
        plot.steps(_whole(curve, plot), *marks[each])
    if steps:
        plot.steps(_whole(steps, plot), *LINE)
    elif dots:
        plot.dots([(wait, max(share, plot.up.low)) for wait, share in dots], *DOTS)
    return Chart(
        kind="waits",
        title="How long requests wait, all repetitions together",
        see=see,
        legend=(*marks.values(), *([LINE] if steps else [DOTS] if dots else [])),
        panels=(Panel(service="", svg=plot.svg()),),
    )


def _curve(requests: pl.DataFrame) -> Curve:
    return [(wait, 100 * left / requests.height) for wait, left in survival(requests)]


def _whole(curve: Curve, plot: Plot) -> list[tuple[float, float | None]]:
    """From the first moment, when all wait, to the last, or on to the edge where some are never served."""
    bottom, (last, never) = plot.up.low, curve[-1]
    return [
        (0.0, 100.0),
        *((wait, max(share, bottom)) for wait, share in curve),
        (last if never <= 0 else plot.across.high, None),
    ]


def _shares(sent: Sequence[int], never: float) -> Axis:
    """All requests, one in two, and on to the last one, each with how many requests that are; `never` is the least
    percentage that is not served."""
    most, about, name = max(sent), "" if len(set(sent)) == 1 else "≈ ", "requests that wait longer"
    if never >= MANY:
        quarters = tuple((share, f"{share} %: {about}{most * share // 100:,}") for share in (0, 25, 50, 75, 100))
        return Axis(low=0, high=100, unit="%", name=name, ticks=quarters)
    shares = {n: f"1 in {n:,}" if n > 1 else "all" for n in LONGER if n <= most}
    ticks = tuple((100 / n, f"{share}: {about}{most // n:,}") for n, share in shares.items())
    return Axis(low=70 / most, high=100, unit="%", log=True, name=name, ticks=ticks)


def _stairs(view: View, scenario: str, played: Sequence[Played]) -> Curve:
    """Of requests that all come at once: one batch after another, as many as are forecast to be served."""
    cell, served, capacities = (
        played[0].cell,
        view.expected(scenario).get("ok"),
        {each.cell.capacity for each in played},
    )
    if not isinstance(cell.load, Burst) or served is None or len(capacities) > 1:
        return []
    sent, c = cell.load.requests, cell.capacity
    batches = range(math.ceil(served / c))
    return [(float(nth * cell.hold_ms), 100 - 100 * min((nth + 1) * c, served) / sent) for nth in batches]


def _quantiles(view: View, scenario: str, played: Sequence[Played]) -> Curve:
    """Of a simulation, which is another in each repetition: the quantiles of those served, placed among all; those that
    are forecast alike for every stack."""
    alike, found = view.expected(scenario), set[tuple[float, float]]()
    for cell in (result.cell for result in played[0].results):
        said = expected(cell, cell.ideal)
        served, rejected = said.get("ok", 0.0), said.get("timed_out", 0.0)
        for name, q in ((name_of("acquire", each, "served"), q) for each, q in QUANTILES.items()):
            if served and name in said and name in alike:
                found.add((said[name], 100 - 100 * q * served / (served + rejected)))
    return sorted(found)


def _see(view: View, scenario: str, played: Sequence[Played]) -> str:
    """The median and the p99 of those served, and how many are not."""

    def said(stack: Played) -> str:
        def of(name: str) -> str:
            return figure(view, scenario, stack.service, name)

        half = milliseconds(of("acquire_ms_p50_served"))
        if (view.value(scenario, stack.service, "ok") or 0) >= LEAST_FOR_P99:
            last = f"1 in 100 {milliseconds(of('acquire_ms_p99_served'))}"
        else:
            last = f"the longest {of('acquire_ms_max_served')} ms"
        rejected = "" if of("timed_out") == "0" else f" ({of('timed_out')} of {of('sent')} are rejected)"
        return f"half of those served wait {half}, {last}{rejected}"

    return sentence(by_stack(played, said))
