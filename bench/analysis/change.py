"""What changed between two runs, for each stack in each scenario: better, worse, equivalent or undecided."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from bench.analysis.comparison import Values, holm
from bench.analysis.judged_by import Spoiler, between_runs, figure, lost, primary_of, spoiler
from bench.analysis.ranks import ROUNDING, Shift, unpaired
from bench.analysis.rule import CONFIDENCE, Scale
from bench.analysis.statistics import REPETITIONS_TO_JUDGE, median
from bench.metrics.model import Metrics
from bench.metrics.registry import METRICS
from bench.record.schema import Cell, Run

ALPHA: Final = 0.05
"""Of Holm's correction; ten repetitions beside ten have p-values down to 0.00001, so that it needs no second test."""
THRESHOLD: Final = 0.05
"""The margin, unless another is asked for: sessions differ more than repetitions."""
MUST_AGREE: Final = ("tuning", "hold_ms", "layer", "release", "target")
"""Of the plan: with another, it is another question."""
ASKED: Final = ("hold_ms", "acquire_timeout_s", "pool_size", "capacity", "load")
"""Of a cell: the same."""
AROUND: Final = ("cpu", "cores", "system", "python", "postgres", "database", "fresh_processes", "versions", "commit")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One stack in one scenario, from run A to run B."""

    scenario: str
    service: str
    metric: str
    verdict: Literal["better", "worse", "equivalent", "undecided", "not judged"]
    why: str = ""
    before: float | None = None
    """The median in A; `math.inf` where it lies beyond the load's end, None where nothing was measured."""
    after: float | None = None
    scale: Scale = "ratio"
    change: float | None = None
    change_low: float | None = None
    change_high: float | None = None
    """From A to B, above 0 where B has more, with the 95 % interval: in percent of A, or in points."""


@dataclass(frozen=True, kw_only=True)
class _Judged:
    change: Change
    shift: Shift
    margin: float
    higher_is_better: bool
    replaced: bool


def refusal(a: Run, b: Run) -> str | None:
    """Why these runs are not comparable at all, and what to do; None where they are."""
    for name in MUST_AGREE:
        ours, theirs = getattr(a.plan, name), getattr(b.plan, name)
        if ours != theirs:
            return f"{name} is {ours} in one and {theirs} in the other: compare runs that asked the same"
    if not any(_shared(a, b)):
        return "they have no scenario of the same service in common: run B with A's -x and -s"
    return None


def surroundings(a: Run, b: Run) -> tuple[str, ...]:
    """What else differs, a line each: all of it may be why a figure does."""
    return tuple(_surroundings(a, b))


def changes(a: Run, b: Run, before: Values, after: Values, threshold: float = THRESHOLD) -> tuple[Change, ...]:
    """Every scenario and service that both runs have, in A's order; `threshold` is a share of A, or of what was sent.

    Two runs are two sessions, so that nothing pairs their repetitions: the Mann–Whitney test with the interval that
    belongs to it, corrected after Holm over all that are judged and not alike throughout. What it cannot tell from a
    change is another day: a machine that is slower now is worse everywhere.
    """
    drafts = [_draft(a, b, *pair, before, after, threshold) for pair in _shared(a, b)]
    family = [draft for draft in drafts if isinstance(draft, _Judged) and any(draft.shift.steps)]
    levels = dict(zip(map(id, family), holm([draft.shift.p_value for draft in family], ALPHA), strict=True))
    return tuple(
        _decided(draft, levels.get(id(draft), ALPHA)) if isinstance(draft, _Judged) else draft for draft in drafts
    )


def _shared(a: Run, b: Run) -> Iterator[tuple[str, str]]:
    there = {cell.key[:2] for cell in b.cells}
    here = {cell.key[:2] for cell in a.cells}
    for scenario in a.plan.scenarios:
        for service in a.plan.services:
            if (scenario, service) in there & here:
                yield scenario, service


def _surroundings(a: Run, b: Run) -> Iterator[str]:
    for name in AROUND:
        ours, theirs = getattr(a.environment, name), getattr(b.environment, name)
        if name == "versions":
            for library in sorted({*ours, *theirs}):
                if ours.get(library) != theirs.get(library):
                    yield f"{library}: {ours.get(library, 'none')} in A, {theirs.get(library, 'none')} in B"
        elif ours != theirs:
            yield f"{name}: {ours} in A, {theirs} in B"
    if a.plan.tracing is not b.plan.tracing:
        on, off = ("A", "B") if a.plan.tracing else ("B", "A")
        yield f"tracing: on in {on}, off in {off}"
    if (a.environment.dirty, b.environment.dirty) != (False, False):
        yield "files differed from the commit in " + " and ".join(
            name for name, run in (("A", a), ("B", b)) if run.environment.dirty
        )


def _draft(
    a: Run, b: Run, scenario: str, service: str, before: Values, after: Values, threshold: float
) -> "_Judged | Change":
    played = [_of(metrics, scenario, service) for metrics in (before, after)]
    primary = primary_of(scenario)
    draft = Change(
        scenario=scenario,
        service=service,
        metric=primary,
        verdict="not judged",
        before=_median(primary, played[0]),
        after=_median(primary, played[1]),
    )
    for name in ASKED:
        ours, theirs = (getattr(_first(run, scenario, service), name) for run in (a, b))
        if ours != theirs:
            return replace(draft, why=f"{name} was another")
    spoilers = [spoiler(cell) for side in played for cell in side]
    sides = [[cell for cell in side if spoiler(cell) is None] for side in played]
    if min(map(len, sides)) < REPETITIONS_TO_JUDGE:
        return replace(draft, why=_too_few(sides, spoilers))
    by = figure(scenario, sides[0], sides[1], between_runs)
    draft = replace(draft, metric=by.metric, scale=by.scale, why=by.why)
    ours, theirs = ([value for cell in side if (value := cell[by.values]) is not None] for side in sides)
    if min(len(ours), len(theirs)) < REPETITIONS_TO_JUDGE:
        return replace(draft, why=_too_few((ours, theirs), spoilers))
    if by.metric != primary:
        draft = replace(draft, before=median(ours), after=median(theirs))
    if by.scale == "ratio":
        if min(*ours, *theirs) <= 0:
            return replace(draft, why="a figure of 0 has no ratio")
        ours, theirs = ([math.log(value) for value in side] for side in (ours, theirs))
    return _Judged(
        change=draft,
        shift=unpaired(theirs, ours),
        margin=math.log1p(threshold) if by.scale == "ratio" else threshold,
        higher_is_better=METRICS[by.values].higher_is_better,
        replaced=by.replaced,
    )


def _decided(judged: _Judged, level: float) -> Change:
    shift, ends = judged.shift, judged.shift.interval(1 - CONFIDENCE)
    assert ends is not None, "ten repetitions beside ten have an interval"
    scaled = math.expm1 if judged.change.scale == "ratio" else float
    # Adding 0 makes 0 of −0.
    low, middle, high = (100 * scaled(each) + 0.0 for each in (ends[0], shift.estimate, ends[1]))
    change = replace(judged.change, change=middle, change_low=low, change_high=high)
    if shift.p_value <= level and abs(shift.estimate) > judged.margin + ROUNDING:
        more = shift.estimate > 0
        return replace(change, verdict="better" if more is judged.higher_is_better else "worse")
    inside = -judged.margin < ends[0] and ends[1] < judged.margin
    return replace(change, verdict="equivalent" if inside and not judged.replaced else "undecided")


def _first(run: Run, scenario: str, service: str) -> Cell:
    return next(cell for cell in run.cells if cell.key[:2] == (scenario, service))


def _of(metrics: Values, scenario: str, service: str) -> list[Metrics]:
    return [values for key, values in metrics.items() if key[:2] == (scenario, service)]


def _median(name: str, cells: Sequence[Metrics]) -> float | None:
    """`math.inf` where it lay beyond the load's end; None where nothing is known."""
    return median([value for cell in cells if (value := METRICS[name].measured(cell[name])) is not None])


def _too_few(sides: Sequence[Sequence[object]], spoilers: Sequence[Spoiler | None]) -> str:
    if not all(sides) and (first := next(filter(None, spoilers), None)):
        return f"{first}, not compared"
    short = f"{len(sides[0])} and {len(sides[1])} of the {REPETITIONS_TO_JUDGE} repetitions that it takes"
    without = lost(spoilers)
    return f"{short}, without {without}" if without else short
