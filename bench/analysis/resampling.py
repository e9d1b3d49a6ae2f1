"""A whole run drawn again: how often a verdict is false, how often it finds a planted difference."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.analysis.change import changes
from bench.analysis.comparison import Judged
from bench.analysis.judged_by import spoiler
from bench.analysis.rates import Rate
from bench.analysis.redraw import centred, planted
from bench.analysis.rule import ALPHA, SURE, Flags, Floats, beyond, equivalent, evidence
from bench.analysis.statistics import REPETITIONS_TO_JUDGE
from bench.metrics.model import Metrics
from bench.metrics.registry import METRICS
from bench.record.rows import Key
from bench.record.schema import Run
from bench.scenarios.catalogue import SCENARIOS


@dataclass(frozen=True, kw_only=True)
class Redrawn:
    """A run drawn again; every field is rounds × comparisons."""

    better: Flags
    """One of the two is called better, whichever."""
    right: Flags
    """The one in which the difference was planted is."""
    equivalent: Flags


def redraw(family: Sequence[Judged], *, rounds: int, seed: int, share: float = 0.0) -> Redrawn:
    """Rounds of a run in which each comparison has a difference of `share` (or of so many points), none where it is 0.

    Whose it is, is drawn for each. All comparisons of a scenario meet the same repetitions and signs, as they do in a
    run: what its stacks have in common stays common. Holm's correction is over all of `family` where nothing is
    planted. A planted difference must pass at its strictest level, as if it were the only one.
    """
    chance = np.random.default_rng(seed)
    p_values, found = [], []
    picks: dict[tuple[str, int], tuple[NDArray[np.int64], Floats]] = {}
    for each in family:
        key = each.comparison.scenario, len(each.differences)
        if key not in picks:
            picks[key] = chance.integers(key[1], size=(rounds, key[1])), chance.choice((-1.0, 1.0), (rounds, key[1]))
        picked, signs = picks[key]
        scale, side = each.figure.scale, chance.choice((-1.0, 1.0), (rounds, 1))
        tests = evidence(centred(each.differences)[picked] * signs + side * planted(share, scale))
        certain = beyond(tests, scale) & (tests.wilcoxon <= SURE)
        p_values.append(tests.t)
        found.append((certain, tests.estimate * side[:, 0] > 0, equivalent(tests, scale) & (not each.figure.replaced)))
    certain, side_found, alike = (np.array(part).T for part in zip(*found, strict=True))
    t = np.array(p_values).T
    passed = t <= ALPHA / len(family) if share else _holm(t)
    better = certain & passed
    return Redrawn(better=better, right=better & side_found, equivalent=alike & ~better)


def rate(flags: Flags) -> Rate:
    """How many of all."""
    return Rate(found=int(flags.sum()), of=flags.size)


def runs_with(flags: Flags) -> Rate:
    """In how many rounds at least one comparison has it."""
    return rate(np.any(flags, axis=1, keepdims=True))


def _holm(p_values: Floats) -> Flags:
    """Which of each round (rounds × comparisons) Holm's correction rejects."""
    count = p_values.shape[1]
    order = np.argsort(p_values, axis=1)
    ascending = np.take_along_axis(p_values, order, axis=1)
    passed = np.logical_and.accumulate(ascending <= ALPHA / (count - np.arange(count)), axis=1)
    rejected = np.zeros_like(passed)
    np.put_along_axis(rejected, order, passed, axis=1)
    return rejected


def draw_changes(run: Run, metrics: Mapping[Key, Metrics], *, rounds: int, seed: int, planted: float = 0.0) -> Rate:
    """The same for `bench compare`: rounds of a run against itself, both drawn from its repetitions.

    How many changes were found of those that were judged; with `planted`, by which the later run is better, only
    those for the better.
    """
    chance = random.Random(seed)  # noqa: S311 - statistics, not secrets
    stored = _stored(metrics)
    verdicts: Counter[str] = Counter()
    for _ in range(rounds):
        before, after = (
            {
                (*pair, repetition): _better(pair[0], chance.choice(values), share)
                for pair, values in stored.items()
                for repetition in range(REPETITIONS_TO_JUDGE)
            }
            for share in (0.0, planted)
        )
        verdicts.update(change.verdict for change in changes(run, run, before, after))
    wrong = 0 if planted else verdicts["worse"]
    return Rate(found=verdicts["better"] + wrong, of=verdicts.total() - verdicts["not judged"])


def _stored(metrics: Mapping[Key, Metrics]) -> dict[tuple[str, str], Sequence[Metrics]]:
    """The repetitions that are in a comparison."""
    found: dict[tuple[str, str], list[Metrics]] = {}
    for (scenario, service, _), values in metrics.items():
        if spoiler(values) is None:
            found.setdefault((scenario, service), []).append(values)
    return dict[tuple[str, str], Sequence[Metrics]](found)


def _better(scenario: str, values: Metrics, share: float) -> Metrics:
    """The same cell with a primary metric that is better by this share, or by so many points of what was sent."""
    primary = SCENARIOS[scenario].primary
    value, served = values[primary], values["share_served"]
    if not share or value is None:
        return values
    if primary == "ok":
        return {**values, "share_served": (served or 0.0) + share}
    factor = 1 + share if METRICS[primary].higher_is_better else 1 - share
    return {**values, primary: value * factor}
