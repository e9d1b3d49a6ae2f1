"""What changed between two runs, for each stack in each scenario: better, worse, or not to be told."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from bench.analysis.comparison import ALPHA, Values, holm
from bench.analysis.judged_by import Spoiler, chosen_metric, lost, primary_of, spoiler
from bench.analysis.ranks import Shift, unpaired
from bench.analysis.statistics import REPETITIONS_TO_JUDGE, median
from bench.metrics.model import Metrics
from bench.metrics.registry import METRICS
from bench.record.schema import Cell, Run

THRESHOLD: Final = 0.05
"""A change under this share of the median is a tie, unless another is asked for: sessions differ more than
repetitions."""
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
    verdict: Literal["better", "worse", "tie", "not judged"]
    why: str = ""
    before: float | None = None
    """The median in A; `math.inf` where it lies beyond the load's end, None where nothing was measured."""
    after: float | None = None
    percent: float | None = None
    """Of the median in A, above 0 where B has more; None where A has nothing to take a share of."""
    percent_low: float | None = None
    percent_high: float | None = None


@dataclass(frozen=True, kw_only=True)
class _Judged:
    change: Change
    shift: Shift
    enough: bool
    open: bool
    """With the same values shared out otherwise, there could be a change."""


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
    """Every scenario and service that both runs have, in A's order; `threshold` is a share of the median.

    Two runs are two sessions, so that nothing pairs their repetitions: the Mann–Whitney test with the interval that
    belongs to it, corrected after Holm over the changes that could come out as such with these values, however they
    were shared out between the runs. What it cannot tell from a change is another day: a machine that is slower now is
    worse everywhere.
    """
    drafts = [_draft(a, b, *pair, before, after, threshold) for pair in _shared(a, b)]
    judged = [draft for draft in drafts if isinstance(draft, _Judged) and draft.open]
    levels = iter(holm([draft.shift.p_value for draft in judged]))
    return tuple(
        _decided(draft, next(levels) if draft.open else ALPHA) if isinstance(draft, _Judged) else draft
        for draft in drafts
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
    metric, why = chosen_metric(scenario, *sides)
    draft = replace(draft, metric=metric, why=why)
    ours, theirs = ([value for cell in side if (value := cell[metric]) is not None] for side in sides)
    if min(len(ours), len(theirs)) < REPETITIONS_TO_JUDGE:
        return replace(draft, why=_too_few((ours, theirs), spoilers))
    return _with_figures(draft, ours, theirs, threshold)


def _with_figures(draft: Change, ours: Sequence[float], theirs: Sequence[float], threshold: float) -> _Judged:
    every = sorted((*ours, *theirs))
    shift, furthest = unpaired(theirs, ours), unpaired(every[-len(theirs) :], every[: len(ours)])
    least = threshold * abs(median(every) or 0.0)
    return _Judged(
        change=replace(draft, before=median(ours), after=median(theirs)),
        shift=shift,
        enough=abs(shift.estimate) >= least,
        open=furthest.estimate >= least and furthest.p_value <= ALPHA,
    )


def _decided(judged: _Judged, level: float) -> Change:
    change, ends = judged.change, judged.shift.interval(level)
    if ends is None:
        return replace(change, why="so many changes at once take more repetitions")
    if change.before:
        share = 100 / abs(change.before)
        # Adding 0 makes 0 of −0.
        low, middle, high = (share * each + 0.0 for each in (ends[0], judged.shift.estimate, ends[1]))
        change = replace(change, percent=middle, percent_low=low, percent_high=high)
    if not (judged.open and judged.enough and judged.shift.p_value <= level):
        return replace(change, verdict="tie")
    more = judged.shift.estimate > 0
    return replace(change, verdict="better" if more is METRICS[change.metric].higher_is_better else "worse")


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
