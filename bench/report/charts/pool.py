"""What the pool did over time, over all repetitions: its connections, and the requests that wait for one."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from bench.report.charts.data import Band, column, end_s, moments, over_time
from bench.report.charts.faults import happened
from bench.report.charts.model import Chart, Panel, drawn_in
from bench.report.charts.played import Played
from bench.report.charts.plot import Plot
from bench.report.charts.said import by_stack, figure, sentence
from bench.report.charts.scale import axis, time_axis
from bench.report.view import View
from bench.report.words import UNKNOWN


class Line(NamedTuple):
    """A column of the samples, and how it is drawn and called."""

    column: str
    css: str
    name: str
    words: str
    band: bool = True
    """Whether its least and most are drawn; what is free mirrors what is used."""


CONNECTIONS: Final = (
    Line("free", "c-free", "free", "free, says the pool", band=False),
    Line("used", "c-used", "used", "handed out, leaks included"),
    Line("backends", "c-backends", "backends", "backends, says PostgreSQL"),
)
WAITING: Final = (Line("waiting", "c-waiting", "waiting", "requests that wait for a connection"),)
BAND: Final = ("c-band", "least to most of all repetitions; lines are medians")


def connections(view: View, scenario: str, played: Sequence[Played]) -> Chart | None:
    """Used, free, and PostgreSQL's backends; None where no sample says anything of them, and where no request waits
    and nothing goes wrong."""

    def said(stack: Played) -> str:
        peak, last, backends = (
            figure(view, scenario, stack.service, name) for name in ("used_peak", "used_last", "backends_last")
        )
        seen = "" if backends == UNKNOWN else f", {backends} backends at the end"
        return f"at most {peak} handed out, {last} at the end{seen}"

    if not any(view.value(scenario, each.service, "waiting_peak") or happened(each) for each in played):
        return None

    return _chart(
        played,
        CONNECTIONS,
        kind="pool",
        title="Connections over time",
        see=f"A pool of {played[0].cell.pool_size}. {sentence(by_stack(played, said))}",
    )


def waiting(view: View, scenario: str, played: Sequence[Played]) -> Chart | None:
    """None where no sample has a request that waits."""
    usually = " in the median repetition" if any(each.repetitions > 1 for each in played) else ""

    def said(stack: Played) -> str:
        return f"at most {figure(view, scenario, stack.service, 'waiting_peak')} requests wait at once{usually}"

    if not any(view.value(scenario, each.service, "waiting_peak") for each in played):
        return None
    foretold = view.expected(scenario).get("waiting_peak")
    forecast = "" if foretold is None else f"; the forecast is {foretold:g}"
    return _chart(
        played,
        WAITING,
        kind="waiting",
        title="Requests that wait for a connection, over time",
        see=sentence(f"{by_stack(played, said)}{forecast}"),
    )


def _chart(played: Sequence[Played], lines: Sequence[Line], *, kind: str, title: str, see: str) -> Chart | None:
    end = end_s(played)
    at_s = moments(end, played)
    found = {
        each.service: {line: over_time([column(one, line.column) for one in each.results], at_s) for line in lines}
        for each in played
    }
    highest = max((band.most or 0 for bands in found.values() for each in bands.values() for band in each), default=0)
    panels = tuple(
        Panel(service=each.service, svg=_panel(each, found[each.service], end, highest, title))
        for each in played
        if any(band.most is not None for bands in found[each.service].values() for band in bands)
    )
    if not panels or not highest:
        return None
    marks = [*((line.css, line.words) for line in lines), BAND]
    return Chart(kind=kind, title=title, see=see, legend=drawn_in(panels, marks), panels=panels)


def _panel(stack: Played, found: dict[Line, list[Band]], end: float, highest: float, title: str) -> str:
    told = ", ".join(f"{line.name} {_ends(bands)}" for line, bands in found.items() if _ends(bands))
    times, counts = time_axis(end), axis(highest, whole=True)
    plot = Plot(times, counts, kind="time", label=f"{title} in {stack.stack}: {told}")
    for line, bands in found.items():
        spread = list(_spread(bands)) if line.band else []
        plot.columns(spread, f"c-band {line.css}", line.name, _apart(bands), "b")
    for line, bands in found.items():
        plot.steps([(band.t_s, band.middle) for band in bands], line.css, line.name)
    for at, word in happened(stack):
        plot.moment(at, word)
    return plot.svg()


def _apart(bands: Sequence[Band]) -> float:
    return bands[1].t_s - bands[0].t_s if bands else 0.0


def _spread(bands: Sequence[Band]) -> Iterator[tuple[float, float, float]]:
    """(middle, least, most) of each stretch."""
    for band in bands[:-1]:
        if band.least is not None and band.most is not None:
            yield band.t_s + _apart(bands) / 2, band.least, band.most


def _ends(bands: Sequence[Band]) -> str:
    """`0 to 5`; "" of nothing."""
    known = [band.middle for band in bands if band.middle is not None]
    if not known:
        return ""
    return f"{min(known):g}" if min(known) == max(known) else f"{min(known):g} to {max(known):g}"
