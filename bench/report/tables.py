"""What the tables of a run hold, before anything says how they look.

In: a run and the metrics of its cells. Out: `Table`s of plain texts: an overview, and one for each scenario
with the stacks side by side.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bench.analysis.cells import cpu_shares
from bench.analysis.forecast import expected
from bench.analysis.summary import BLOCKS_TO_JUDGE, left_out
from bench.records import Cell, CellSummary, Run, Summary
from bench.report import words
from bench.scenarios.catalogue import SCENARIOS
from services.common import contract

LOADED: Final = (
    "sent", "ok", "timed_out", "failed", "goodput_per_s", "efficiency",
    "acquire_ms_p50_all", "acquire_ms_p99_all", "acquire_ms_max_served",
    "first_timeout_s", "wall_s", "waiting_peak", "app_cpu_ms_per_request",
)  # fmt: skip
ROWS: Final[Mapping[str, tuple[str, ...]]] = {
    "baseline": (
        "latency_ms_p50_served", "latency_ms_p99_served", "acquire_ms_p50_served", "hold_ms_p50",
        "app_cpu_ms_per_request", "app_rss_mb",
    ),
    "leaks": (
        "ok", "timed_out", "failed", "recovered_s", "first_timeout_s", "acquire_ms_p50_all",
        "waiting_peak", "used_last", "backends_last",
    ),
}  # fmt: skip
"""The metrics that a table of a family shows; `LOADED` for every other."""

Pair = tuple[str, str]
"""Scenario and service."""
Ends = tuple[float, float]

CPU_BOUND: Final = "CPU-bound"
NOT_RUN: Final = "not run"
FAILED: Final = "failed"
DULL: Final = {"failed": "0", "first_timeout_s": "none"}
"""A row of nothing but these is left out, as is one of nothing known."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A title, what was asked, how it was run, the table, and what has to be said below it."""

    title: str
    question: str = ""
    about: str = ""
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


class View:
    """A run as its tables need it. `spreads` are shown where a figure has no interval."""

    def __init__(self, run: Run, summary: Summary, spreads: Mapping[Pair, Mapping[str, Ends]]) -> None:
        self.run = run
        self.summary = summary
        self.services = run.plan.services
        self.scenarios = tuple(name for name in run.plan.scenarios if any(self.cells(name)))
        self._spreads = spreads
        self._summaries = {(cell.scenario, cell.service): cell for cell in summary.cells}
        self._bound = Counter(
            cell.key[:2]
            for cell in run.cells
            if cell.status == "ok" and cpu_shares(cell, run.environment.cores)["cpu_bound"]
        )

    def cells(self, scenario: str) -> Iterator[Cell]:
        return (cell for cell in self.run.cells if cell.scenario == scenario)

    def sent(self, scenario: str) -> float | None:
        """How many requests every stack was sent; None if that differed."""
        found = {cell.metrics["sent"].value for cell in self.summary.cells if cell.scenario == scenario}
        return found.pop() if len(found) == 1 else None

    def expected(self, scenario: str) -> dict[str, float]:
        return expected(next(self.cells(scenario)))

    def bound(self, scenario: str, service: str) -> str:
        """In how many of its blocks a cell was bound by the CPU, "" if in none."""
        cell, bound = self._summaries.get((scenario, service)), self._bound[scenario, service]
        if cell is None or not bound:
            return ""
        return "yes" if bound == cell.repetitions else f"{bound} of {cell.repetitions}"

    def row(self, scenario: str, name: str) -> tuple[str, ...]:
        """A metric of every service as text; "" where there are no figures at all."""
        cells = [self._summaries.get((scenario, service)) for service in self.services]
        known = [cell.metrics[name].value for cell in cells if cell is not None]
        decimals = words.decimals_of(name, (value for value in known if value is not None))
        return tuple(self._said(cell, name, decimals) if cell is not None else "" for cell in cells)

    def absent(self, scenario: str, service: str) -> str:
        """Why a service has no figures: it failed, or it was not run yet; "" if it has."""
        if (scenario, service) in self._summaries:
            return ""
        return FAILED if any(cell.service == service for cell in self.cells(scenario)) else NOT_RUN

    def _said(self, cell: CellSummary, name: str, decimals: int) -> str:
        found, beyond = cell.metrics[name], words.metric(name).beyond
        if found.value is None:
            served = cell.metrics["share_served"].value == 1
            return words.UNKNOWN if served and beyond == words.NOT_SERVED else beyond
        ends = self._spreads.get((cell.scenario, cell.service), {}).get(name) if cell.repetitions > 1 else None
        return words.figure(found, decimals, ends)

    def label(self, scenario: str, name: str, short: bool = False) -> str:
        metric, sent = words.metric(name), self.sent(scenario)
        label = (metric.short if short else None) or metric.label
        return f"{label} (of {sent:.0f})" if name == "ok" and sent is not None else label

    def judged(self) -> str:
        blocks = max((cell.repetitions for cell in self.summary.cells), default=0)
        counted = "1 block" if blocks == 1 else f"{blocks} blocks"
        return f"{counted}: not judged" if blocks < BLOCKS_TO_JUDGE else counted


def overview(view: View) -> Table:
    """One line for each scenario: its primary metric."""
    rows = []
    for name in view.scenarios:
        known = SCENARIOS.get(name)
        primary = known.primary if known else "ok"
        figures = [
            (text or view.absent(name, service)) + (" *" if view.bound(name, service) else "")
            for service, text in zip(view.services, view.row(name, primary), strict=True)
        ]
        forecast = words.expectation(primary, view.expected(name).get(primary))
        rows.append((name, view.label(name, primary, short=True), forecast, *figures))
    return Table(
        title="Overview",
        about=f"hold {view.run.plan.hold_ms} ms · tuning {view.run.plan.tuning} · {view.judged()}",
        headers=("scenario", "figure", "forecast", *map(words.stack, view.services)),
        rows=tuple(rows),
        notes=tuple(_overview_notes(view)),
    )


def scenario_table(view: View, name: str) -> Table:
    """The stacks side by side in one scenario."""
    known = SCENARIOS.get(name)
    absent = [view.absent(name, service) for service in view.services]
    rows = list(_rows(view, name, ROWS.get(known.family, LOADED) if known else LOADED))
    if known and known.answers in view.scenarios:
        label = f"… in {known.answers}"
        rows[1:1] = [(label, *row[1:]) for row in _rows(view, known.answers, ("ok",))]
    bound = [view.bound(name, service) for service in view.services]
    if any(bound):
        rows.append((CPU_BOUND, "", *(text or "no" for text in bound)))
    if any(absent):
        rows.insert(0, ("", "", *absent))
    return Table(
        title=name,
        question=known.question if known else "",
        about=_about(view, name),
        headers=("", "forecast", *map(words.stack, view.services)),
        rows=tuple(rows),
        notes=tuple(_notes(view, name)),
    )


def failures(view: View) -> tuple[str, ...]:
    """What was left out, a line for each."""
    return tuple(f"{cell.scenario} · {_failure(cell)}" for cell in left_out(view.run))


def _rows(view: View, scenario: str, metrics: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Those that say something."""
    forecast = view.expected(scenario)
    for name in metrics:
        said, figures = words.expectation(name, forecast.get(name)), view.row(scenario, name)
        if name == "sent" and view.sent(scenario) is not None:
            continue
        if {said, *figures} <= {"", DULL.get(name, words.UNKNOWN)}:
            continue
        yield view.label(scenario, name), said, *figures


def _overview_notes(view: View) -> Iterator[str]:
    if any(view.bound(name, service) for name in view.scenarios for service in view.services):
        yield "* CPU-bound: not about the pool, and in no comparison"
    own = [name for name in view.scenarios if name in SCENARIOS and SCENARIOS[name].hold_ms is not None]
    if own:
        yield f"at a hold of their own, see their tables: {', '.join(own)}"


def _about(view: View, name: str) -> str:
    cell, known, plan = next(view.cells(name)), SCENARIOS.get(name), view.run.plan
    kind = f" ({known.work_kind})" if known and known.work_kind != "sleep" else ""
    pool = (
        words.load(cell.load),
        f"hold {cell.hold_ms} ms{kind}",
        f"pool {cell.pool_size}",
        f"patience {words.duration(cell.patience_s)}",
    )
    parts = [
        *(pool if known is None or known.path != contract.NOOP else (pool[0], "no connection taken")),
        words.faults(known, cell.hold_ms / 1000 / known.hold) if known else "",
        f"tuning {plan.tuning}",
        "tracing on" if plan.tracing else "",
        view.judged(),
    ]
    return " · ".join(part for part in parts if part)


def _notes(view: View, name: str) -> Iterator[str]:
    capacities = {cell.service: cell.capacity for cell in view.cells(name) if cell.capacity > cell.pool_size}
    for service, capacity in capacities.items():
        yield f"{words.stack(service)} may hand out {capacity} connections as its library ships"
    if any(view.bound(name, service) for service in view.services):
        yield (
            "CPU-bound: over 60 % of the machine, or 70 % of a core in the generator or the service; "
            "not about the pool, and in no comparison"
        )
    for cell in left_out(view.run):
        if cell.scenario == name:
            yield f"left out: {_failure(cell)}"


def _failure(cell: Cell) -> str:
    why = (cell.why or "it failed").splitlines()[0]
    return f"{words.stack(cell.service)}, block {cell.block + 1}: {why}"
