"""When requests leave and users come, from a load and a seed: the same numbers on every machine.

In: the frozen loads and stages of a scenario. Out: plain numbers, for who plays them and for who foretells
them. Nothing here looks at a clock.
"""

import math
import random
import zlib
from bisect import bisect_right
from collections.abc import Sequence

from bench.scenarios.loads import Open, Stage


def cell_seed(run_seed: int, scenario: str, block: int) -> int:
    """The seed of a scenario in a block of a run, from 0 to 2³² − 1. All services of a block have the same: they
    meet the same arrivals."""
    return zlib.crc32(f"{run_seed}/{scenario}/{block}".encode())


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


def users_at(stages: Sequence[Stage], t: float) -> int:
    """How many users there are `t` seconds after t0; after the last stage, as many as it ended with."""
    steps = user_steps(stages)
    after = bisect_right(steps, t, key=lambda step: step[0])
    return steps[after - 1][1] if after else 0


def length_s(stages: Sequence[Stage]) -> float:
    """How many seconds all stages last together; after them nobody sends any more."""
    return math.fsum(stage.seconds for stage in stages)


def stream(seed: int, *purpose: object) -> random.Random:
    """The random numbers of a seed for a purpose."""
    # A string is hashed by SHA-512, whatever PYTHONHASHSEED; a stream for each purpose, so that the arrivals
    # of a seed do not foretell its mix. Only random() itself is promised never to change between versions.
    return random.Random(":".join(map(str, (seed, *purpose))))  # noqa: S311 - a plan, not a secret
