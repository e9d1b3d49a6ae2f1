"""When requests leave, users come and which path each asks for, from a load and a seed: the same on every machine.

Plain numbers, for what plays them and for what foretells them. Nothing here looks at a clock.
"""

import math
import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice

from services.workload.loads import Closed, Open, Share, Stage, stages_s


def planned_times(load: Open, seed: int) -> list[float]:
    """The times in seconds from t0, ascending, all in [0, `load.seconds`).

    Uniform: k ÷ rate, whatever the seed. Poisson: independent exponential gaps of mean 1 ÷ rate (by
    inversion), so the number of requests is itself random; its mean is rate times seconds.

    Raises ValueError if the rate is not positive.
    """
    if load.rate_per_s <= 0:
        raise ValueError(f"an open load needs a rate above 0/s, got {load.rate_per_s}")
    if load.arrivals == "uniform":
        # 0.3/s for 10 s is 3.0000000000000004 requests in floats and must not become four.
        count = math.ceil(round(load.rate_per_s * load.seconds, 6))
        return [k / load.rate_per_s for k in range(count)]
    times: list[float] = []
    draw = stream(seed, "arrivals").random
    at = -math.log1p(-draw()) / load.rate_per_s
    while at < load.seconds:
        times.append(at)
        at += -math.log1p(-draw()) / load.rate_per_s
    return times


def user_steps(stages: Sequence[Stage]) -> list[tuple[float, int]]:
    """(seconds from t0, users from then on), ascending; begins with (0.0, …).

    Inside a stage the users follow the straight line, rounded towards where the stage began, so that its last
    user comes (or goes) exactly at its end. A stage of 0 s is a jump.
    """
    steps = [(0.0, 0)]
    began, users = 0.0, 0
    for stage in stages:
        change = stage.users - users
        for k in range(1, abs(change) + 1):
            # The quotient first: it is at most 1, so no step comes after the end of its stage by rounding.
            when = began + stage.seconds * (k / abs(change))
            if steps[-1][0] == when:
                steps.pop()
            steps.append((when, users + k if change > 0 else users - k))
        began, users = began + stage.seconds, stage.users
    return steps


def crowd_steps(load: Closed) -> list[tuple[float, int]]:
    """The `user_steps` of a load, to the moment at which all are told to leave."""
    return [*user_steps(load.stages), (stages_s(load.stages), 0)]


def users_at(stages: Sequence[Stage], t: float) -> int:
    """How many users there are `t` seconds after t0; after the last stage, as many as it ended with."""
    steps = user_steps(stages)
    after = bisect_right(steps, t, key=lambda step: step[0])
    return steps[after - 1][1] if after else 0


def picks(mix: Sequence[Share], seed: int, user: int = 0) -> Iterator[int]:
    """An endless stream of indices into `mix`, drawn by weight; each user has a stream of their own.

    A user's picks depend on nothing but the seed and their number, so that two services that answer at
    different speeds are still asked the same questions in the same order.

    Raises ValueError (at the first pick) if the mix is empty or a weight is not positive.
    """
    if not mix or any(share.weight <= 0 for share in mix):
        raise ValueError("a mix needs at least one path, and every weight above 0")
    *bounds, total = accumulate(share.weight for share in mix)
    draw = stream(seed, "mix", user).random
    while True:
        yield bisect_right(bounds, draw() * total)


def choose_paths(mix: Sequence[Share], n: int, seed: int) -> list[int]:
    """The first `n` picks of user 0: the mix of a load whose requests have no users of their own."""
    return list(islice(picks(mix, seed), n))


def stream(seed: int, *purpose: object) -> random.Random:
    """The random numbers of a seed for a purpose."""
    # A string is hashed by SHA-512, whatever PYTHONHASHSEED; a stream for each purpose, so that the arrivals
    # of a seed do not foretell its mix. Only random() itself is promised never to change between versions.
    return random.Random(":".join(map(str, (seed, *purpose))))  # noqa: S311 - a plan, not a secret
