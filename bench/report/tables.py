"""One table for each scenario, with the stacks side by side."""

from collections.abc import Iterable, Iterator
from typing import Final

from bench.analysis.summary import left_out
from bench.report import audits, prose, words
from bench.report.left_out import failure, skips
from bench.report.loads import duration, faults, load
from bench.report.numbers import expectation
from bench.report.rows import about_latency, says_something, shown
from bench.report.table import Table
from bench.report.view import BUSY, View
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.model import Leak
from services.common import contract
from services.stacks import leaks_beside

CPU_BOUND: Final = "CPU-bound"


def scenario_table(view: View, name: str) -> Table:
    """The stacks side by side in one scenario."""
    known = SCENARIOS.get(name)
    absent = [view.absent(name, service) for service in view.services]
    rows = list(_rows(view, name, shown(view, name)))
    if known and known.answers in view.scenarios:
        label = f"… in {known.answers}"
        rows[1:1] = [(label, *row[1:]) for row in _rows(view, known.answers, ("ok",))]
    for label, marks in ((CPU_BOUND, view.bound), (BUSY, view.busy)):
        marked = [marks(name, service) for service in view.services]
        if any(marked):
            rows.append((label, "", *(text or "no" for text in marked)))
    if any(absent):
        rows.insert(0, ("", "", *absent))
    return Table(
        title=name,
        question=known.question if known else "",
        about=_about(view, name),
        headers=("", "forecast", *map(view.stack, view.services)),
        rows=tuple(rows),
        notes=tuple(_notes(view, name)),
    )


def _rows(view: View, scenario: str, metrics: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Those that say something."""
    forecast = view.expected(scenario)
    for name in metrics:
        said, figures = expectation(name, forecast.get(name)), view.row(scenario, name)
        if says_something(view, scenario, name, said, figures):
            yield view.label(scenario, name), said, *figures


def _about(view: View, name: str) -> str:
    cell, known, plan = next(view.cells(name)), SCENARIOS.get(name), view.run.plan
    kind = f" ({known.work_kind})" if known and known.work_kind != "sleep" else ""
    pool = (
        load(cell.load),
        f"hold {cell.hold_ms} ms{kind}",
        f"pool {cell.pool_size}",
        f"acquire timeout {duration(cell.acquire_timeout_s)}",
    )
    parts = [
        *(pool if known is None or known.path != contract.NOOP else (pool[0], "no connection taken")),
        faults(known, cell.hold_ms / 1000 / known.hold) if known else "",
        f"tuning {plan.tuning}",
        prose.release(plan, name),
        "tracing on" if plan.tracing else "",
        prose.place(view),
        view.judged(name),
    ]
    return words.joined(*parts)


def _notes(view: View, name: str) -> Iterator[str]:
    capacities = {cell.service: cell.capacity for cell in view.cells(name) if cell.capacity > cell.pool_size}
    for service, capacity in capacities.items():
        yield f"{view.stack(service)} may hand out {capacity} connections as its library ships"
    known = SCENARIOS.get(name)
    if known and any(isinstance(fault, Leak) for fault in known.faults):
        for service in view.services:
            if beside := leaks_beside(view.own(service)):
                yield f"{view.stack(service)} leaks {beside}"
    yield from about_latency(shown(view, name), view.kind(name))
    if any(view.bound(name, service) for service in view.services):
        yield (
            "CPU-bound: the run's own parts used over 60 % of the machine, or generator or service over 70 % of a "
            "core; not about the pool, and in no comparison"
        )
    if any(view.busy(name, service) for service in view.services):
        unseen = view.run.plan.target != "local"
        yield prose.BUSY + (
            "; services elsewhere, whose CPU time is not seen here, may be among them" if unseen else ""
        )
        yield from prose.noise(view.others(name))
    if marked := view.disturbed(name):
        whose = "" if len(marked) == len(view.services) else f" of {', '.join(map(view.stack, marked))}"
        yield f"every repetition{whose} was disturbed so: shown all the same, without an interval"
    for cell in left_out(view.run):
        if cell.scenario == name:
            yield f"left out: {failure(view, cell)}"
    yield from skips(view, name)
    yield from audits.played_again(view, name)
