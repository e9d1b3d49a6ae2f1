"""Which of two stacks is better in a scenario and by how much, whether they are equivalent, or that it is undecided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from bench.analysis.judged_by import (
    Figure,
    about_a_pool,
    figure,
    lost,
    primary_of,
    spoiler,
    within_pairs,
)
from bench.analysis.rates import Rate
from bench.analysis.redraw import ROUNDS, chance_for, chances, needed
from bench.analysis.rule import ALPHA, Evidence, Floats, better, equivalent, evidence
from bench.analysis.statistics import REPETITIONS_TO_JUDGE, median
from bench.metrics.model import Metrics
from bench.record.rows import Key
from bench.record.summary import Comparison
from services.contrasts import Contrast, Layer, contrasts

Values = Mapping[Key, Metrics]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A comparison with enough repetitions, before it is known how many others there are."""

    comparison: Comparison
    figure: Figure
    differences: Floats
    """One a repetition, above 0 where `a` is better."""

    @cached_property
    def evidence(self) -> Evidence:
        """What the tests say of them, in one row."""
        return evidence(self.differences[None, :])

    @property
    def alike(self) -> bool:
        """The same in every repetition, so that there is nothing to test."""
        return not self.differences.any()


def compare(
    scenarios: Sequence[str], services: Sequence[str], metrics: Values, layer: Layer = "http"
) -> tuple[Comparison, ...]:
    """Every planned pair of stacks in every scenario in which both have cells, by the rule of docs/method.md."""
    drafts = drafted(scenarios, services, metrics, layer)
    family = [draft for draft in drafts if isinstance(draft, Judged) and not draft.alike]
    p_values = [float(draft.evidence.t[0]) for draft in family]
    levels = dict(zip(map(id, family), holm(p_values), strict=True))
    strictest = ALPHA / max(1, len(family))
    return tuple(
        _decided(draft, levels.get(id(draft), ALPHA), strictest) if isinstance(draft, Judged) else draft
        for draft in drafts
    )


def drafted(
    scenarios: Sequence[str], services: Sequence[str], metrics: Values, layer: Layer = "http"
) -> "list[Judged | Comparison]":
    """The same before anything is tested; those that are not judged say why."""
    played = {key[:2] for key in metrics}
    return [
        _draft(scenario, contrast, layer, metrics)
        for scenario in scenarios
        for contrast in contrasts(services, layer)
        if {(scenario, contrast.a), (scenario, contrast.b)} <= played
        and (contrast.scenarios is None or scenario in contrast.scenarios)
    ]


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


def _draft(scenario: str, contrast: Contrast, layer: Layer, metrics: Values) -> "Judged | Comparison":
    a, b = contrast.a, contrast.b
    repetitions = sorted({repetition for name, _, repetition in metrics if name == scenario})
    both = [
        (metrics[scenario, a, repetition], metrics[scenario, b, repetition])
        for repetition in repetitions
        if (scenario, a, repetition) in metrics and (scenario, b, repetition) in metrics
    ]
    spoiled = [spoiler(*cells) for cells in both]
    clean = [cells for cells, why in zip(both, spoiled, strict=True) if why is None]
    draft = Comparison(
        scenario=scenario,
        a=a,
        b=b,
        factor=contrast.named(layer),
        metric=primary_of(scenario),
        repetitions=len(clean),
        verdict="not judged",
    )
    if not about_a_pool(scenario):
        return replace(draft, why="it takes no connection, and frameworks are not what is compared here")
    if both and not clean:
        verdict: Literal["CPU-bound", "not judged"] = "CPU-bound" if "CPU-bound" in spoiled else "not judged"
        return replace(draft, verdict=verdict, why=f"{spoiled[0]}, not compared")
    if len(clean) < REPETITIONS_TO_JUDGE:
        return _too_few(draft, lost(spoiled))
    judged_by = figure(scenario, [one for one, _ in clean], [other for _, other in clean], within_pairs)
    pairs = [
        (one, other)
        for one, other in ((first[judged_by.values], second[judged_by.values]) for first, second in clean)
        if one is not None and other is not None
    ]
    draft = replace(draft, metric=judged_by.metric, scale=judged_by.scale, why=judged_by.why, repetitions=len(pairs))
    if len(pairs) < REPETITIONS_TO_JUDGE:
        return _too_few(draft, lost(spoiled))
    if judged_by.scale == "ratio" and min(min(pair) for pair in pairs) <= 0:
        return replace(draft, why="a figure of 0 has no ratio")
    return Judged(
        comparison=replace(
            draft, a_median=median(one for one, _ in pairs), b_median=median(other for _, other in pairs)
        ),
        figure=judged_by,
        differences=np.array([judged_by.difference(*pair) for pair in pairs]),
    )


def _too_few(draft: Comparison, without: str) -> Comparison:
    short = f"{draft.repetitions} of the {REPETITIONS_TO_JUDGE} repetitions that it takes"
    return replace(draft, why=f"{short}, without {without}" if without else short)


def _decided(judged: Judged, level: float, strictest: float) -> Comparison:
    """The verdict at this level; power, false winners and repetitions are told at the strictest of the run."""
    by, differences, scale = judged.figure, judged.differences, judged.figure.scale
    tests = judged.evidence
    estimate = float(tests.estimate[0])
    draft = judged.comparison
    chance = chance_for(draft.scenario, draft.a, draft.b)
    found, false = chances(differences, scale, strictest, chance)
    draft = replace(
        draft,
        percent=by.percent(estimate),
        percent_low=by.percent(float(tests.low[0])),
        percent_high=by.percent(float(tests.high[0])),
        p_value=float(f"{tests.t[0]:.4g}"),  # processors differ in the last digits of a cosine
        p_wilcoxon=float(tests.wilcoxon[0]),
        level=level,
        finds=found / ROUNDS,
        false_winner=Rate(found=false, of=ROUNDS).upper,
    )
    if not judged.alike and better(tests, level, scale)[0]:
        return replace(draft, verdict="better", better=draft.a if estimate > 0 else draft.b)
    if equivalent(tests, scale)[0] and not by.replaced:
        return replace(draft, verdict="equivalent")
    repetitions = needed(differences, scale, strictest, chance, replaced=by.replaced)
    return replace(draft, verdict="undecided", needed=repetitions)
