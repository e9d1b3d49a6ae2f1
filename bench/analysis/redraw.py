"""A comparison drawn again from its own repetitions: how often the rule errs, what it finds, how many it would take.

Each pair's difference is centred and keeps or flips its sign by chance, so that pairs stay pairs: what both stacks meet
in a repetition (arrivals that differ from one to the next) is in none of it. What drawing cannot show is a drift from
repetition to repetition, and what the repetitions never met.
"""

import math
from bisect import bisect_left
from typing import Final
from zlib import crc32

import numpy as np

from bench.analysis.rule import Floats, Scale, better, equivalent, evidence

ROUNDS: Final = 1000
PLANTED: Final = 0.05
"""The difference whose discovery is told beside a verdict: a share of the worse one, or so many points."""
REPETITIONS: Final = (15, 20, 25, 30, 40, 50, 60, 80, 100)
"""The numbers that are tried for a comparison that is undecided."""
DECIDED: Final = 0.8
"""The share of draws that must be decided for a number of repetitions to be advised."""
DRAWS: Final = 200
"""Of each such number."""


def chance_for(*names: str) -> np.random.Generator:
    """Random numbers that are the same for the same names wherever and in whatever order they are asked for."""
    return np.random.default_rng([crc32(name.encode()) for name in names])


def planted(share: float, scale: Scale) -> float:
    """What a difference of this share (or of so many points) adds to each difference within a pair."""
    return -math.log1p(-share) if scale == "ratio" else share


def centred(differences: Floats) -> Floats:
    """Without what one side is better by, spread as the repetitions of a larger population would be."""
    count = len(differences)
    apart: Floats = differences - evidence(differences[None, :]).estimate[0]
    return apart * math.sqrt(count / (count - 1))


def chances(differences: Floats, scale: Scale, level: float, chance: np.random.Generator) -> tuple[int, int]:
    """In how many of `ROUNDS` draws a planted difference is found, and in how many one that is not there."""
    count = len(differences)
    signs = chance.choice((-1.0, 1.0), (ROUNDS, count))
    rounds = centred(differences)[chance.integers(count, size=(ROUNDS, count))] * signs
    found = evidence(rounds + planted(PLANTED, scale))
    right = better(found, level, scale) & (found.estimate > 0)
    wrong = better(evidence(rounds), level, scale)
    return int(right.sum()), int(wrong.sum())


def needed(
    differences: Floats, scale: Scale, level: float, chance: np.random.Generator, *, replaced: bool
) -> int | None:
    """How many repetitions decide in `DECIDED` of draws; None where over the last of `REPETITIONS` do not.

    A double bootstrap: ten are drawn from the ten, and so many from them. `replaced` as in `judged_by.Figure`.
    """
    count = len(differences)
    tens = differences[chance.integers(count, size=(DRAWS, count))]

    def decided(repetitions: int) -> float:
        picked = chance.integers(count, size=(DRAWS, repetitions))
        tests = evidence(np.take_along_axis(tens, picked, axis=1))
        return float((better(tests, level, scale) | (equivalent(tests, scale) & (not replaced))).mean())

    first = bisect_left(REPETITIONS, x=True, key=lambda repetitions: decided(repetitions) >= DECIDED)
    return REPETITIONS[first] if first < len(REPETITIONS) else None
