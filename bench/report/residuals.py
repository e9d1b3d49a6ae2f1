"""How far every scenario came out from its forecast, in one table."""

from collections.abc import Iterator
from typing import Final

from bench.analysis.forecast import made_by
from bench.analysis.residuals import DIFFERENCES, SHARES
from bench.metrics.registry import METRICS
from bench.report.table import Table
from bench.report.tables import CPU_BOUND
from bench.report.view import BUSY, View

LINES: Final = (
    SHARES["goodput_per_s"],
    DIFFERENCES["acquire_ms_p50_served"],
    DIFFERENCES["acquire_ms_p99_served"],
    DIFFERENCES["ok"],
    DIFFERENCES["waiting_peak"],
)
"""What a cell says, a line each."""


def residual_table(view: View) -> Table | None:
    """Measured less forecast, the median over the repetitions; scenarios that have no forecast are not in it, and where
    none has one there is no table."""
    rows = []
    for scenario in view.scenarios:
        texts = ["\n".join(_lines(view, scenario, service)) for service in view.services]
        if any(text not in ("", CPU_BOUND, BUSY) for text in texts):
            texts = [text or view.absent(scenario, service) for service, text in zip(view.services, texts, strict=True)]
            rows.append((scenario, _how(view, scenario), *texts))
    if not rows:
        return None
    return Table(
        title="Measured less forecast",
        about="the median over the repetitions; each cell against its own forecast",
        headers=("scenario", "forecast", *map(view.stack, view.services)),
        rows=tuple(rows),
        notes=tuple(_notes(view)),
    )


def _lines(view: View, scenario: str, service: str) -> Iterator[str]:
    for name in LINES:
        metric, value = METRICS[name], view.value(scenario, service, name)
        # A count that came out as forecast is not said.
        if value is not None and value != metric.dull:
            yield f"{metric.short} {signed(value)} {metric.unit_written}".rstrip()
    if view.bound(scenario, service):
        yield CPU_BOUND
    if view.busy(scenario, service):
        yield BUSY


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
    yield "A wait that is shorter than forecast began late: the request was in the server queue until then."
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
    yield "What is left is hand-off, HTTP, and the order in which requests are served."
