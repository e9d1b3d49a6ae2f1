"""What is played on a service or on its pool: the kinds of load, a mix of paths, and a workload made of both.

Standard library only: the bench, its load generator and the players without HTTP describe a load with these values,
and a cell's record holds them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Arrivals = Literal["uniform", "poisson"]


@dataclass(frozen=True, kw_only=True)
class Sequential:
    """One client sends `requests` requests, each after the answer to the one before."""

    kind: Literal["sequential"] = "sequential"
    requests: int


@dataclass(frozen=True, kw_only=True)
class Burst:
    """`requests` clients, each on a warm connection of its own, all released together."""

    kind: Literal["burst"] = "burst"
    requests: int


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Users go from where they are to `users` in equal steps over `seconds`."""

    users: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Closed:
    """Users who send, wait for the answer, think for `think_s` and send again."""

    kind: Literal["closed"] = "closed"
    stages: tuple[Stage, ...]
    think_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Open:
    """Requests that leave at their planned time, whether or not earlier ones came back."""

    kind: Literal["open"] = "open"
    rate_per_s: float
    seconds: float
    arrivals: Arrivals = "poisson"


Load = Sequential | Burst | Closed | Open


def length_s(load: Load) -> float:
    """How long requests are sent, as far as the load itself says: 0 for those that go by the answers."""
    match load:
        case Closed(stages=stages):
            return stages_s(stages)
        case Open(seconds=seconds):
            return seconds
        case _:
            return 0.0


def stages_s(stages: Sequence[Stage]) -> float:
    """How many seconds all stages last together; after them no user sends any more."""
    return math.fsum(stage.seconds for stage in stages)


@dataclass(frozen=True, kw_only=True)
class Share:
    """A path, query string included, and its weight in the mix of requests (any positive number)."""

    path: str
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Workload:
    """The requests of one cell: when they leave, what they ask for, from which seed.

    `give_up_s` bounds a single request over HTTP: one that has no answer by then is recorded with status 0.
    """

    load: Load
    mix: tuple[Share, ...]
    seed: int
    give_up_s: float
