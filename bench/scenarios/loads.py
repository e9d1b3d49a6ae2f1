"""The kinds of load, in seconds: what a scenario becomes once its hold is known.

In: nothing. Out: frozen values that the scenario catalogue builds and the load driver plays.
"""

from dataclasses import dataclass
from typing import Literal

Arrivals = Literal["uniform", "poisson"]


@dataclass(frozen=True, kw_only=True)
class Sequential:
    """One client sends `requests` requests, each after the answer to the one before."""

    requests: int


@dataclass(frozen=True, kw_only=True)
class Burst:
    """`requests` clients, each on a warm connection of its own, all released together."""

    requests: int


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Users go from where they are to `users` in equal steps over `seconds`."""

    users: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Closed:
    """Users who send, wait for the answer, think for `think_s` and send again."""

    stages: tuple[Stage, ...]
    think_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Open:
    """Requests that leave at their planned time, whether or not earlier ones came back."""

    rate_per_s: float
    seconds: float
    arrivals: Arrivals = "poisson"


Load = Sequential | Burst | Closed | Open


def length_s(load: Load) -> float:
    """How long requests are sent, as far as the load itself says: 0 for those that go by the answers."""
    match load:
        case Closed(stages=stages):
            return sum(stage.seconds for stage in stages)
        case Open(seconds=seconds):
            return seconds
        case _:
            return 0.0


@dataclass(frozen=True, kw_only=True)
class Share:
    """A path, query string included, and its weight in the mix of requests (any positive number)."""

    path: str
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Drive:
    """One cell's load, complete: where to, what, how, from which seed.

    `give_up_s` bounds a single request: one that has no answer by then is recorded with status 0.
    """

    base_url: str
    load: Load
    mix: tuple[Share, ...]
    seed: int
    give_up_s: float
