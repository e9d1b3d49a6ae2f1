"""Which of two stacks is better in a scenario and by how much, or that it cannot be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final, Literal

from bench.analysis.judged_by import about_a_pool, chosen_metric, lost, primary_of, spoiler
from bench.analysis.ranks import Shift, least_p_value, paired
from bench.analysis.statistics import REPETITIONS_TO_JUDGE, median
from bench.metrics.model import Metrics
from bench.metrics.registry import METRICS
from bench.record.rows import Key
from bench.record.summary import Comparison

ALPHA: Final = 0.05
"""The chance of any false winner in a run."""
TIE: Final = 0.02
"""A difference under this share of the median is a tie, however certain it is."""

Values = Mapping[Key, Metrics]


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """A comparison with enough repetitions, before it is known how many others there are."""

    comparison: Comparison
    shift: Shift
    enough: bool
    """The difference is no tie by its size."""
    open: bool
    """With other signs of the same differences, one could be better."""


def compare(scenarios: Sequence[str], services: Sequence[str], metrics: Values) -> tuple[Comparison, ...]:
    """Every scenario and every pair of stacks that has cells there, in the order in which they are given.

    Pairs within repetitions, by Wilcoxon's signed-rank test with the interval that belongs to it. A stack is better
    where the interval leaves zero out *and* the difference is at least `TIE`; all else is a tie. The p-values are
    corrected after Holm (1979) over the comparisons of the run that could come out for either side at all. That is told
    from the sizes of the differences alone, which say nothing of their signs, so that leaving the others out costs
    nothing (Tarone 1990).
    """
    played = {key[:2] for key in metrics}
    drafts = [
        _draft(scenario, a, b, metrics)
        for scenario in scenarios
        for a, b in combinations(services, 2)
        if (scenario, a) in played and (scenario, b) in played
    ]
    judged = [draft for draft in drafts if isinstance(draft, _Judged) and draft.open]
    levels = iter(holm([draft.shift.p_value for draft in judged]))
    return tuple(
        _decided(draft, next(levels) if draft.open else ALPHA, len(judged)) if isinstance(draft, _Judged) else draft
        for draft in drafts
    )


def holm(p_values: Sequence[float], alpha: float = ALPHA) -> list[float]:
    """The level that each is tested at, of as many tests as there are p-values (Holm 1979).

    The smallest at α over their number, the next at α over one less, and so on until one is above its level: that is
    the level of all that follow. Equal ones have the level of the first of them.
    """
    count, levels, stopped = len(p_values), dict[float, float](), None
    for p_value in sorted(set(p_values)):
        level = stopped or alpha / (count - sum(other < p_value for other in p_values))
        levels[p_value] = level
        stopped = level if p_value > level else None
    return [levels[p_value] for p_value in p_values]


def _draft(scenario: str, a: str, b: str, metrics: Values) -> "_Judged | Comparison":
    repetitions = sorted({repetition for name, _, repetition in metrics if name == scenario})
    both = [
        (metrics[scenario, a, repetition], metrics[scenario, b, repetition])
        for repetition in repetitions
        if (scenario, a, repetition) in metrics and (scenario, b, repetition) in metrics
    ]
    spoiled = [spoiler(*cells) for cells in both]
    clean = [cells for cells, why in zip(both, spoiled, strict=True) if why is None]
    draft = Comparison(
        scenario=scenario, a=a, b=b, metric=primary_of(scenario), repetitions=len(clean), verdict="not judged"
    )
    if not about_a_pool(scenario):
        return replace(draft, why="it takes no connection, and frameworks are not what is compared here")
    if both and not clean:
        verdict: Literal["CPU-bound", "not judged"] = "CPU-bound" if "CPU-bound" in spoiled else "not judged"
        return replace(draft, verdict=verdict, why=f"{spoiled[0]}, not compared")
    if len(clean) < REPETITIONS_TO_JUDGE:
        return _too_few(draft, lost(spoiled))
    metric, why = chosen_metric(scenario, [one for one, _ in clean], [other for _, other in clean])
    pairs = [
        (one, other)
        for one, other in ((first[metric], second[metric]) for first, second in clean)
        if one is not None and other is not None
    ]
    draft = replace(draft, metric=metric, why=why, repetitions=len(pairs))
    if len(pairs) < REPETITIONS_TO_JUDGE:
        return _too_few(draft, lost(spoiled))
    return _with_figures(draft, pairs)


def _too_few(draft: Comparison, without: str) -> Comparison:
    short = f"{draft.repetitions} of the {REPETITIONS_TO_JUDGE} repetitions that it takes"
    return replace(draft, why=f"{short}, without {without}" if without else short)


def _with_figures(draft: Comparison, pairs: Sequence[tuple[float, float]]) -> _Judged:
    differences = [one - other for one, other in pairs]
    shift, furthest = paired(differences), paired([abs(difference) for difference in differences])
    # Of both stacks together: which of a pair is whose must not move it.
    least = TIE * abs(median([value for pair in pairs for value in pair]) or 0.0)
    return _Judged(
        comparison=replace(
            draft,
            a_median=median(one for one, _ in pairs),
            b_median=median(other for _, other in pairs),
            difference=shift.estimate,
            p_value=shift.p_value,
        ),
        shift=shift,
        enough=abs(shift.estimate) >= least,
        open=furthest.estimate >= least and furthest.p_value <= ALPHA,
    )


def _decided(judged: _Judged, level: float, count: int) -> Comparison:
    """The verdict at this level, which is that of one among `count` comparisons."""
    ends = judged.shift.interval(level)
    if ends is None:
        return replace(
            judged.comparison,
            level=level,
            why=f"{count} comparisons at once take {_repetitions_for(count)} repetitions",
        )
    found = replace(_in_percent(judged.comparison, *ends), level=level)
    if judged.open and judged.enough and judged.shift.p_value <= level:
        return replace(found, verdict="better", better=_better(found))
    return replace(found, verdict="tie")


def _better(comparison: Comparison) -> str:
    more = (comparison.difference or 0.0) > 0
    return comparison.a if more is METRICS[comparison.metric].higher_is_better else comparison.b


def _in_percent(comparison: Comparison, low: float, high: float) -> Comparison:
    """With the interval, and all in percent of the median of the worse one, above 0 where `a` is better."""
    assert comparison.difference is not None, "no figures, no percent"
    a, b = comparison.a_median or 0.0, comparison.b_median or 0.0
    with_ends = replace(comparison, low=low, high=high)
    worse = b if _better(comparison) == comparison.a else a
    if not comparison.difference:
        worse = (a + b) / 2
    if not worse:
        return with_ends
    sign = 1 if METRICS[comparison.metric].higher_is_better else -1
    # Adding 0 makes 0 of −0.
    one, other = (100 * sign * end / abs(worse) + 0.0 for end in (low, high))
    return replace(
        with_ends,
        percent=100 * sign * comparison.difference / abs(worse) + 0.0,
        percent_low=min(one, other),
        percent_high=max(one, other),
    )


def _repetitions_for(count: int) -> int:
    """The fewest repetitions with which one of so many comparisons can be won."""
    return next(repetitions for repetitions in range(1, 100) if least_p_value(repetitions) <= ALPHA / count)
