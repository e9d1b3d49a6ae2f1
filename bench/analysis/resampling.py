"""How often a verdict is false, and how often a planted difference is found: from stored repetitions, drawn again."""

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.analysis.change import changes
from bench.analysis.comparison import compare
from bench.analysis.judged_by import spoiler
from bench.analysis.statistics import REPETITIONS_TO_JUDGE
from bench.metrics.model import Metrics
from bench.metrics.registry import METRICS
from bench.record.rows import Key
from bench.record.schema import Run
from bench.record.summary import Comparison
from bench.scenarios.catalogue import SCENARIOS

NAMES: Final = ("a", "b")
LEVEL: Final = 0.05
"""The chance that a share lies beyond a bound that is claimed of it."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How many of how many, and what is claimed of it: the bounds of Clopper and Pearson (1934), each at 95 %."""

    found: int
    of: int

    @property
    def share(self) -> float:
        return self.found / self.of if self.of else 0.0

    @property
    def upper(self) -> float:
        """The share is below this, with 95 % certainty."""
        return _upper_bound(self.found, self.of)

    @property
    def lower(self) -> float:
        """The share is above this, with 95 % certainty."""
        return 1 - _upper_bound(self.of - self.found, self.of)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A comparison of two draws from one service."""

    service: str
    comparison: Comparison
    right: bool
    """The winner is the one in which the better values were planted; False where none were."""


def draw(metrics: Mapping[Key, Metrics], *, rounds: int, seed: int, planted: float = 0.0) -> tuple[Drawn, ...]:
    """Rounds of every service against itself; what was judged of them.

    Each round is a whole run of one service under two names: in every scenario, its repetitions are drawn with
    replacement into both, and judged as any run is. A drawn repetition keeps all of its metrics together. What this
    cannot show: a drift from repetition to repetition (the draw mixes them), and whatever the stored repetitions
    themselves never met. The names are alike by construction, so that it tests the verdict and not the machine; `bench
    run --aa SERVICE` measures the latter.

    `planted` makes the primary metric of one name better by this share; which name, is drawn for each scenario.
    """
    chance = random.Random(seed)  # noqa: S311 - statistics, not secrets
    stored = _stored(metrics)
    services = list(dict.fromkeys(service for _, service in stored))
    found = []
    for _ in range(rounds):
        for service in services:
            own = {scenario: values for (scenario, name), values in stored.items() if name == service}
            best = {scenario: chance.choice(NAMES) for scenario in own}
            made = {
                (scenario, name, repetition): _better(
                    scenario, chance.choice(values), planted * (best[scenario] == name)
                )
                for scenario, values in own.items()
                for name in NAMES
                for repetition in range(REPETITIONS_TO_JUDGE)
            }
            found += [
                Drawn(
                    service=service,
                    comparison=comparison,
                    right=planted > 0 and comparison.better == best[comparison.scenario],
                )
                for comparison in compare(tuple(own), NAMES, made)
                if comparison.verdict in ("better", "tie")
            ]
    return tuple(found)


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
    return Rate(found=verdicts["better"] + wrong, of=verdicts["better"] + verdicts["worse"] + verdicts["tie"])


def false_winners(drawn: Iterable[Drawn]) -> Rate:
    """How many had a winner where there is none."""
    every = list(drawn)
    return Rate(found=sum(each.comparison.verdict == "better" for each in every), of=len(every))


def right_winners(drawn: Iterable[Drawn]) -> Rate:
    """How many were won by the one that is better."""
    every = list(drawn)
    return Rate(found=sum(each.right for each in every), of=len(every))


def by_scenario(drawn: Iterable[Drawn]) -> dict[str, list[Drawn]]:
    """What was drawn of each, the services together."""
    found: dict[str, list[Drawn]] = {}
    for each in drawn:
        found.setdefault(each.comparison.scenario, []).append(each)
    return found


def _stored(metrics: Mapping[Key, Metrics]) -> dict[tuple[str, str], Sequence[Metrics]]:
    """The repetitions that are in a comparison."""
    found: dict[tuple[str, str], list[Metrics]] = {}
    for (scenario, service, _), values in metrics.items():
        if spoiler(values) is None:
            found.setdefault((scenario, service), []).append(values)
    return dict[tuple[str, str], Sequence[Metrics]](found)


def _better(scenario: str, values: Metrics, share: float) -> Metrics:
    """The same cell with a primary metric that is better by this share."""
    primary = SCENARIOS[scenario].primary
    value = values[primary]
    if not share or value is None:
        return values
    factor = 1 + share if METRICS[primary].higher_is_better else 1 - share
    return {**values, primary: value * factor}


def _upper_bound(found: int, of: int) -> float:
    """The share with which so few would be found with a chance of `LEVEL`, by bisection."""
    if found == of:
        return 1.0
    low, high = found / of, 1.0
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _at_most(found, of, middle) > LEVEL else (low, middle)
    return high


def _at_most(found: int, of: int, share: float) -> float:
    """The probability of at most so many of a binomial distribution, where they are fewer than its mean."""
    ways = math.lgamma(of + 1) - math.lgamma(found + 1) - math.lgamma(of - found + 1)
    term = math.exp(ways + found * math.log(share) + (of - found) * math.log1p(-share))
    terms = [term]
    for count in range(found, 0, -1):
        term *= count * (1 - share) / ((of - count + 1) * share)
        terms.append(term)
    return math.fsum(terms)
