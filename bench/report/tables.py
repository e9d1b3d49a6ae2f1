"""What the tables of a run hold, before anything says how they look.

In: a run and the metrics of its cells. Out: `Table`s of plain texts: an overview, and one for each scenario
with the stacks side by side.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bench.analysis.comparison import primary_of
from bench.analysis.summary import left_out, skipped
from bench.record.schema import Cell
from bench.report import audits, words
from bench.report.view import View
from bench.scenarios.catalogue import SCENARIOS
from services.common import contract

LOADED: Final = (
    "sent", "ok", "timed_out", "failed", "goodput_per_s", "efficiency",
    "acquire_ms_p50_all", "acquire_ms_p99_all", "acquire_ms_max_served", "queue_ms_p50",
    "first_timeout_s", "wall_s", "waiting_peak", "app_cpu_ms_per_request",
    "skew_ms", "lateness_ms_p99",
)  # fmt: skip
ORDER: Final = ("inversions", "overtaken", "fifo_distance_ms", "fifo_excess_ms_max", "ask_known_ms_p99")
ROWS: Final[Mapping[str, tuple[str, ...]]] = {
    "baseline": (
        "latency_ms_p50_served", "latency_ms_p99_served", "acquire_ms_p50_served", "hold_ms_p50",
        "app_cpu_ms_per_request", "app_pss_mb",
    ),
    "overload": (
        "sent", "ok", "timed_out", "failed", "goodput_per_s", "efficiency",
        "acquire_ms_p50_all", "acquire_ms_p99_all", "acquire_ms_max_served", "latency_ms_p50_all", "latency_ms_p99_all",
        *ORDER, "queue_ms_p50", "first_timeout_s", "wall_s", "waiting_peak", "app_cpu_ms_per_request",
        "lateness_ms_p99",
    ),
    "fairness": (
        "sent", "ok", "timed_out", "failed", "goodput_per_s", "efficiency",
        "jain_index", "jain_index_waits", "worst_user_share", "starved_users", "longest_wait_ms",
        "acquire_ms_p50_all", "acquire_ms_p99_all", "latency_ms_p50_all", "latency_ms_p99_all",
        *ORDER, "queue_ms_p50", "first_timeout_s", "wall_s", "waiting_peak", "app_cpu_ms_per_request",
    ),
    "leaks": (
        "ok", "timed_out", "failed", "recovered_s", "first_timeout_s", "acquire_ms_p50_all",
        "waiting_peak", "used_last", "backends_last", "lateness_ms_p99",
    ),
    "outage": (
        "ok", "timed_out", "failed", "served_again_s", "backends_again_s", "first_timeout_s",
        "acquire_ms_p50_all", "acquire_ms_max_served", "latency_ms_max_served",
        "waiting_peak", "used_last", "backends_last", "lateness_ms_p99",
    ),
}  # fmt: skip
"""The metrics that a table of a family shows; `LOADED` for every other."""

LEAST_SENT: Final = {"app_cpu_ms_per_request": 50, "latency_ms_p99_served": 50}
"""Under this many requests a row is left out: CPU time comes in ticks of 10 ms, and the p99 is the maximum."""
CPU_BOUND: Final = "CPU-bound"
NOISY: Final = 0.2
"""The share of the machine that nothing of this bench accounts for, above which it is said."""
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


def overview(view: View) -> Table:
    """One line for each scenario: its primary metric."""
    rows = []
    for name in view.scenarios:
        primary = primary_of(name)
        figures = [
            (text or view.absent(name, service)) + (" *" if view.bound(name, service) else "")
            for service, text in zip(view.services, view.row(name, primary), strict=True)
        ]
        forecast = words.expectation(primary, view.expected(name).get(primary))
        rows.append((name, view.label(name, primary, short=True), forecast, *figures))
        rows += [
            ("", view.label(name, beside, short=True), "", *view.row(name, beside))
            for beside in words.uncorrected((primary,), view.kind(name))[1:]
        ]
    return Table(
        title="Overview",
        about=_joined(
            f"hold {view.run.plan.hold_ms} ms", f"tuning {view.run.plan.tuning}", _place(view), view.judged()
        ),
        headers=("scenario", "figure", "forecast", *map(view.stack, view.services)),
        rows=tuple(rows),
        notes=tuple(_overview_notes(view)),
    )


def scenario_table(view: View, name: str) -> Table:
    """The stacks side by side in one scenario."""
    known = SCENARIOS.get(name)
    absent = [view.absent(name, service) for service in view.services]
    rows = list(_rows(view, name, _metrics(view, name)))
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
        headers=("", "forecast", *map(view.stack, view.services)),
        rows=tuple(rows),
        notes=tuple(_notes(view, name)),
    )


def _metrics(view: View, name: str) -> tuple[str, ...]:
    known = SCENARIOS.get(name)
    return words.uncorrected(ROWS.get(known.family, LOADED) if known else LOADED, view.kind(name))


def failures(view: View) -> tuple[str, ...]:
    """What was left out, a line for each cell that failed or was rejected and for each reason to skip some; and what
    was played again."""
    failed = (f"{cell.scenario} · {_failure(view, cell)}" for cell in left_out(view.run))
    skips = (f"{name} · {text}" for name in view.scenarios for text in _skips(view, name))
    return (*failed, *skips, *audits.played_again(view))


def audit_table(view: View) -> Table | None:
    """How the cells' audits ended, and what is worth knowing of them; None for a run without audits."""
    rows = audits.table_rows(view)
    if not rows:
        return None
    return Table(
        title=audits.TITLE,
        about=audits.summary(view),
        headers=("check", *map(view.stack, view.services)),
        rows=rows,
        notes=audits.details(view),
    )


def _rows(view: View, scenario: str, metrics: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Those that say something."""
    forecast = view.expected(scenario)
    for name in metrics:
        said, figures = words.expectation(name, forecast.get(name)), view.row(scenario, name)
        if name == "sent" and view.sent(scenario) is not None:
            continue
        if view.fewest_sent(scenario) < LEAST_SENT.get(name, 0):
            continue
        if {said, *figures} <= {"", DULL.get(name, words.UNKNOWN)}:
            continue
        yield view.label(scenario, name), said, *figures


def _overview_notes(view: View) -> Iterator[str]:
    if any(view.bound(name, service) for name in view.scenarios for service in view.services):
        yield "* CPU-bound: not about the pool, and in no comparison"
        yield from _noise(view.others())
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
        _place(view),
        view.judged(name),
    ]
    return _joined(*parts)


def _place(view: View) -> str:
    """Where it was measured, unless that was over HTTP in processes of the bench's own."""
    if view.run.plan.layer == "pool":
        return "layer: pool, no HTTP"
    target = view.run.plan.target
    fresh = "" if view.run.environment.fresh_processes else ", processes not fresh"
    return "" if target == "local" else f"target: {target}{fresh}"


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _notes(view: View, name: str) -> Iterator[str]:
    capacities = {cell.service: cell.capacity for cell in view.cells(name) if cell.capacity > cell.pool_size}
    for service, capacity in capacities.items():
        yield f"{view.stack(service)} may hand out {capacity} connections as its library ships"
    yield from words.about_latency(_metrics(view, name), view.kind(name))
    if any(view.bound(name, service) for service in view.services):
        seen = "" if view.run.plan.target == "local" else ", whose own CPU time is not seen here"
        yield (
            f"CPU-bound: over 60 % of the machine, or 70 % of a core in the generator or the service{seen}; "
            "not about the pool, and in no comparison"
        )
        yield from _noise(view.others(name))
    for cell in left_out(view.run):
        if cell.scenario == name:
            yield f"left out: {_failure(view, cell)}"
    yield from _skips(view, name)
    yield from audits.played_again(view, name)


def _skips(view: View, name: str) -> Iterator[str]:
    """Why cells were not played, once for each reason."""
    reasons: dict[str, list[str]] = {}
    for cell in skipped(view.run):
        if cell.scenario == name and cell.service not in reasons.setdefault(cell.why or "not said", []):
            reasons[cell.why or "not said"].append(cell.service)
    for why, services in reasons.items():
        whose = "" if len(services) == len(view.services) else f"{', '.join(map(view.stack, services))}: "
        yield f"skipped: {whose}{why}"


def _noise(others: float) -> Iterator[str]:
    if others > NOISY:
        yield f"other programs took up to {others * 100:.0f} % of the machine: end them, and run it again"


def _failure(view: View, cell: Cell) -> str:
    why = (cell.why or "it failed").splitlines()[0]
    return f"{view.stack(cell.service)}, block {cell.block + 1}: {why}"
