"""How far every scenario came out from its forecast, in one table.

In: the view of a run. Out: a `Table`, a row for each scenario and a column for each stack; a figure is a line of
its cell.
"""

from collections.abc import Iterator
from typing import Final

from bench.analysis.figures import Figure
from bench.analysis.forecast import made_by
from bench.analysis.residuals import DIFFERENCES, SHARES
from bench.report.tables import CPU_BOUND, Table
from bench.report.view import View

LINES: Final = {
    SHARES["goodput_per_s"]: ("goodput", "%"),
    DIFFERENCES["acquire_ms_p50_served"]: ("wait p50", "ms"),
    DIFFERENCES["acquire_ms_p99_served"]: ("wait p99", "ms"),
    DIFFERENCES["ok"]: ("served", ""),
    DIFFERENCES["waiting_peak"]: ("queue", ""),
}
"""What a cell says, and in which unit."""
DULL: Final = (DIFFERENCES["ok"], DIFFERENCES["waiting_peak"])
"""Counts that came out as forecast are not said."""


def residual_table(view: View) -> Table | None:
    """Measured less forecast, the median over the blocks; scenarios that have no forecast are not in it, and where
    none has one there is no table."""
    rows = []
    for scenario in view.scenarios:
        texts = ["\n".join(_lines(view, scenario, service)) for service in view.services]
        if any(text not in ("", CPU_BOUND) for text in texts):
            texts = [text or view.absent(scenario, service) for service, text in zip(view.services, texts, strict=True)]
            rows.append((scenario, _how(view, scenario), *texts))
    if not rows:
        return None
    return Table(
        title="Measured less forecast",
        about="the median over the blocks; each cell against its own forecast",
        headers=("scenario", "forecast", *map(view.stack, view.services)),
        rows=tuple(rows),
        notes=tuple(_notes(view)),
    )


def _lines(view: View, scenario: str, service: str) -> Iterator[str]:
    for name, (label, unit) in LINES.items():
        value = (view.figure(scenario, service, name) or Figure(value=None)).value
        if value is None or (name in DULL and not value):
            continue
        yield f"{label} {signed(value)} {unit}".rstrip()
    if view.bound(scenario, service):
        yield CPU_BOUND


def signed(value: float) -> str:
    """`+2.31`, `−12.3`, `+1200`: two digits behind the point under ten, none from a hundred on; `0` is ±0."""
    size = abs(value)
    digits = f"{size:.2f}" if size < 10 else f"{size:.1f}" if size < 100 else f"{size:.0f}"
    if size == round(size):
        digits = f"{size:.0f}"
    return "0" if not float(digits) else f"{'−' if value < 0 else '+'}{digits}"


def _how(view: View, scenario: str) -> str:
    return next((how for cell in view.cells(scenario) if (how := made_by(cell))), "")


def _notes(view: View) -> Iterator[str]:
    yield "A wait that is shorter than forecast began late: the request was queued before the app until then."
    holds: dict[str, list[float]] = {}
    for cell in view.run.cells:
        # Other holds have the same overhead on top of them; one is enough to tell it.
        if cell.ideal is not None and cell.forecast.hold_ms is not None:
            holds.setdefault(view.stack(cell.service), []).append(cell.forecast.hold_ms - cell.hold_ms)
    if not holds:
        yield "The forecasts were made with the hold as asked for."
        return
    overheads = ", ".join(
        f"{stack} {min(extra):.2f}" + (f" to {max(extra):.2f}" if max(extra) - min(extra) >= 0.01 else "")
        for stack, extra in holds.items()
    )
    yield f"The forecasts have the overhead of the baseline in each hold (ms): {overheads}."
    yield "What is left is hand-off, HTTP, and who is served when."
