"""One line for each scenario, with its primary metric."""

from collections.abc import Callable, Iterator

from bench.analysis.judged_by import primary_of
from bench.report import prose
from bench.report.numbers import expectation
from bench.report.rows import uncorrected
from bench.report.table import Table
from bench.report.view import View


def overview(view: View) -> Table:
    """One line for each scenario: its primary metric."""
    return Table(
        title="Overview",
        about=prose.setting(view),
        headers=("scenario", "figure", "forecast", *map(view.stack, view.services)),
        rows=tuple(overview_rows(view, _mark)),
        notes=tuple(_overview_notes(view)),
    )


def overview_rows(
    view: View, mark: Callable[[View, str, str], str], *, alone: bool = False
) -> Iterator[tuple[str, ...]]:
    """Scenario, figure, forecast, and a figure of each stack (the medians `alone`, or with their intervals), with what
    `mark` says of the scenario and the service behind it."""
    for name in view.scenarios:
        primary = primary_of(name)
        figures = [
            (text or view.absent(name, service)) + mark(view, name, service)
            for service, text in zip(view.services, view.row(name, primary, alone=alone), strict=True)
        ]
        forecast = expectation(primary, view.expected(name).get(primary))
        yield name, view.label(name, primary, short=True), forecast, *figures
        for beside in uncorrected((primary,), view.kind(name))[1:]:
            yield "", view.label(name, beside, short=True), "", *view.row(name, beside, alone=alone)


def _mark(view: View, name: str, service: str) -> str:
    return (" *" if view.bound(name, service) else "") + (" †" if view.busy(name, service) else "")


def _overview_notes(view: View) -> Iterator[str]:
    pairs = [(name, service) for name in view.scenarios for service in view.services]
    if any(view.bound(*pair) for pair in pairs):
        yield "* CPU-bound: not about the pool, and in no comparison"
    if any(view.busy(*pair) for pair in pairs):
        yield f"† {prose.BUSY}"
        yield from prose.noise(view.others())
    if own := prose.own_holds(view):
        yield f"at a hold of their own, see their tables: {', '.join(own)}"
