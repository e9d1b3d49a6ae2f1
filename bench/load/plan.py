"""Which path each request asks for: from the mix of a load and a seed.

In: the frozen mix of a scenario. Out: indices into it, the same for the same seed on every machine. When
requests leave and users come stands in `bench.scenarios.arrivals`.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice

from bench.scenarios.arrivals import stream
from bench.scenarios.loads import Share


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
