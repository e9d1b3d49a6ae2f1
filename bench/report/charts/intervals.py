"""All verdicts at a glance: of each comparison the difference and its 95 % interval, beside the margin."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

from bench.analysis.rule import MARGIN
from bench.record.summary import Comparison
from bench.report.charts.model import Chart, Panel, drawn_in
from bench.report.charts.plot import BOTTOM, NAMED, Plot
from bench.report.charts.scale import Axis
from bench.report.verdicts import nothing, verdict
from bench.report.view import View

ROW: Final = 170
"""The height of a line, in tenths of a pixel."""
LEFT: Final = 1300
PERCENT: Final = 100 * MARGIN
TICKS: Final = (0, PERCENT, 10, 50, 1000)
LEAST: Final = 20.0
"""The scale reaches at least so many percent to both sides."""
WORDS: Final = {
    "c-better": "better",
    "c-equivalent": "equivalent: the whole interval within the margin",
    "c-undecided": "undecided",
    "c-margin": f"the margin, ±{PERCENT:g} % (of shares: points)",
}


def verdict_intervals(view: View) -> Chart:
    """A panel for each pair of stacks, a line for each scenario in which they are judged; no panels where none is."""
    judged = [found for found in view.summary.comparisons if found.percent is not None]
    pairs = dict.fromkeys((found.a, found.b) for found in judged)
    panels = tuple(
        Panel(service="", svg=_panel(view, [found for found in judged if (found.a, found.b) == pair])) for pair in pairs
    )
    return Chart(
        kind="verdicts",
        title="All verdicts",
        see=_see(view),
        legend=drawn_in(panels, WORDS.items()),
        panels=panels,
    )


def _panel(view: View, judged: Sequence[Comparison]) -> str:
    a, b = view.stack(judged[0].a), view.stack(judged[0].b)
    furthest = 1.2 * max(LEAST, *(abs(end) for found in judged for end in _ends(found)))
    marks = [sign * tick for tick in TICKS if tick <= furthest for sign in ((-1, 1) if tick else (1,))]
    percent = Axis(
        low=-_bent(furthest),
        high=_bent(furthest),
        name=f"{a} ▸",
        ticks=tuple((_bent(mark), f"{mark:g}".replace("-", "−")) for mark in sorted(marks)),
    )
    plot = Plot(
        percent,
        Axis(low=len(judged), high=0, name=f"◂ {b}"),
        kind="each",
        height=NAMED + ROW * len(judged) + BOTTOM,
        left=LEFT,
        label=f"{a} and {b} in {len(judged)} scenarios: {_counted(judged)}",
    )
    plot.columns([(0, 0, len(judged))], "c-margin", "", 2 * _bent(PERCENT))
    for nth, found in enumerate(judged):
        css, said = f"c-{found.verdict}", f"{found.scenario}: {'; '.join(verdict([found], view.stack))}"
        low, *_, high = (_bent(end) for end in _ends(found))
        plot.rows([(low, high, nth + 0.5)], css, "", 0.25)
        plot.dots([(_bent(found.percent or 0.0), nth + 0.5)], f"{css} c-dot", said)
        plot.text(LEFT - 60, plot.y(nth + 0.5) + 35, found.scenario, "e")
    return plot.svg()


def _ends(found: Comparison) -> tuple[float, float]:
    return found.percent_low or 0.0, found.percent_high or 0.0


def _bent(percent: float) -> float:
    """Even near 0, where the margin is, and by factors beyond."""
    return math.copysign(math.log1p(abs(percent) / PERCENT), percent)


def _counted(compared: Sequence[Comparison]) -> str:
    counts = Counter(found.verdict for found in compared)
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def _see(view: View) -> str:
    compared = view.summary.comparisons
    if not compared:
        return f"{nothing(view) or 'nothing was played'}.".capitalize()
    judged = [found for found in compared if found.percent is not None]
    if not judged:
        return f"No comparison is judged: {compared[0].why or compared[0].verdict}."
    others = "" if len(judged) == len(compared) else f", {len(compared) - len(judged)} not judged"
    return f"Of {len(compared)} comparisons {_counted(judged)}{others}. A mark lies on the side of the better stack."
