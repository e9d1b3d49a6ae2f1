"""How many of how many, and what can be claimed of it."""

import math
from dataclasses import dataclass
from typing import Final

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


SHARED: Final = 0.105
"""How two comparisons with one name in common correlate in crossing 5 %: their differences do by a half."""


def effective(names: int) -> float:
    """How many independent comparisons those of so many names with each other are worth: the design effect of Kish,
    where each shares a name with 2·(names − 2) others."""
    pairs = names * (names - 1) / 2
    return pairs / (1 + 2 * (names - 2) * SHARED)


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
