"""One line for each scenario, with its primary metric."""

from collections.abc import Iterator

from bench.analysis.judged_by import primary_of
from bench.report import prose, words
from bench.report.numbers import expectation
from bench.report.rows import uncorrected
from bench.report.table import Table
from bench.report.view import View
from bench.scenarios.catalogue import SCENARIOS


def overview(view: View) -> Table:
    """One line for each scenario: its primary metric."""
    rows = []
    for name in view.scenarios:
        primary = primary_of(name)
        figures = [
            (text or view.absent(name, service)) + _mark(view, name, service)
            for service, text in zip(view.services, view.row(name, primary), strict=True)
        ]
        forecast = expectation(primary, view.expected(name).get(primary))
        rows.append((name, view.label(name, primary, short=True), forecast, *figures))
        rows += [
            ("", view.label(name, beside, short=True), "", *view.row(name, beside))
            for beside in uncorrected((primary,), view.kind(name))[1:]
        ]
    return Table(
        title="Overview",
        about=words.joined(
            f"hold {view.run.plan.hold_ms} ms",
            f"tuning {view.run.plan.tuning}",
            prose.release(view.run.plan),
            prose.place(view),
            view.judged(),
        ),
        headers=("scenario", "figure", "forecast", *map(view.stack, view.services)),
        rows=tuple(rows),
        notes=tuple(_overview_notes(view)),
    )


def _mark(view: View, name: str, service: str) -> str:
    return (" *" if view.bound(name, service) else "") + (" †" if view.busy(name, service) else "")


def _overview_notes(view: View) -> Iterator[str]:
    pairs = [(name, service) for name in view.scenarios for service in view.services]
    if any(view.bound(*pair) for pair in pairs):
        yield "* CPU-bound: not about the pool, and in no comparison"
    if any(view.busy(*pair) for pair in pairs):
        yield f"† {prose.BUSY}"
        yield from prose.noise(view.others())
    own = [name for name in view.scenarios if name in SCENARIOS and SCENARIOS[name].hold_ms is not None]
    if own:
        yield f"at a hold of their own, see their tables: {', '.join(own)}"
