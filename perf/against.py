"""`python -m perf.against CHECKOUT [--pairs N] [STACK …]`: each stack here against the same stack of another checkout.

A pair is two fresh processes, one of each checkout, that are asked at the same time, each by a generator of its own:
what disturbs the machine disturbs both. A pair is started in either order, because the process that starts first can
cost some percent more, whichever it is; its ratios, here ÷ there, are the geometric means of the two. They are those of
requests a second without a hold, requests a CPU second of the service, and goodput ÷ (c/h) under a hold; shown is the
median of all pairs, with the exact 95 % interval of Wilcoxon's signed-rank test on logs. Without a hold both services
share one core, on which nothing else that belongs to the measurement runs: there, what a service can serve is what its
code costs.
"""

import argparse
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import geometric_mean, median
from typing import Final, Protocol

import numpy as np
import polars as pl
from tabulate import tabulate

from bench import temporary
from bench.analysis.ranks import signed_ranks
from bench.load.driver import LoadGenerator
from bench.targets.process import LocalService
from perf.lab import DIRECTORY, Lab, lab
from perf.measures import HOLDING, NO_HOLD, closed, rate_per_s
from services.common import contract
from services.stacks import STACKS

WARM_UP_S: Final = 0.5
TURN_S: Final = 2.0
"""Short, for many pairs: costs differ more between two processes of the same code than between turns of one."""
HELD_S: Final = 6.0
EDGE_S: Final = 0.4
"""So much of a turn's begin is in no rate: connections are made then."""

Cores = set[int]


@dataclass(frozen=True)
class Pairs:
    """Two laboratories over one PostgreSQL, and where the services of a pair come from."""

    labs: tuple[Lab, Lab]
    elsewhere: type[LocalService]

    @contextmanager
    def services(
        self, name: str, settings: Mapping[str, object], where: Cores, *, ours_first: bool
    ) -> Iterator[list[LocalService]]:
        """Ours and theirs, running on these cores; started in the order that is asked for."""
        pair = [kind(name, self.labs[0].database, settings) for kind in (LocalService, self.elsewhere)]
        with ExitStack() as running:
            with on(where):
                for service in pair if ours_first else reversed(pair):
                    running.enter_context(service)
            yield pair

    def play(self, pair: Sequence[LocalService], users: int, seconds: float) -> list[pl.DataFrame]:
        """The requests of both, asked at the same time."""
        with ThreadPoolExecutor(len(pair)) as together:
            return list(
                together.map(
                    lambda one: one[0].play(one[1].base_url, closed(users, seconds), contract.QUERY).requests,
                    zip(self.labs, pair, strict=True),
                )
            )


def no_hold(pairs: Pairs, name: str, *, ours_first: bool) -> tuple[float, ...]:
    """The ratios of requests a second, and of requests a CPU second."""
    with pairs.services(name, NO_HOLD, cores()[0], ours_first=ours_first) as pair:
        pairs.play(pair, 10, WARM_UP_S)
        before = [service.usage().cpu_s for service in pair]
        frames = pairs.play(pair, 10, TURN_S)
        spent_s = [service.usage().cpu_s - already for service, already in zip(pair, before, strict=True)]
    rates = [rate_per_s(frame, EDGE_S, TURN_S) for frame in frames]
    costs = [len(frame) / cpu_s for frame, cpu_s in zip(frames, spent_s, strict=True)]
    return rates[0] / rates[1], costs[0] / costs[1]


def held(pairs: Pairs, name: str, *, ours_first: bool) -> tuple[float, ...]:
    """The ratio of goodput ÷ (c/h)."""
    with pairs.services(name, HOLDING, os.sched_getaffinity(0), ours_first=ours_first) as pair:
        ours, theirs = (rate_per_s(frame, EDGE_S, HELD_S) for frame in pairs.play(pair, 100, HELD_S))
    return (ours / theirs,)


class Measure(Protocol):
    """Ratios of one pair that was started in this order."""

    def __call__(self, pairs: Pairs, name: str, *, ours_first: bool) -> tuple[float, ...]: ...


def in_either_order(pairs: Pairs, name: str, measure: Measure) -> list[float]:
    """The geometric means of a pair that starts with ours, and of one that starts with theirs, generators changed."""
    one = measure(pairs, name, ours_first=True)
    other = measure(replace(pairs, labs=pairs.labs[::-1]), name, ours_first=False)
    return [geometric_mean(both) for both in zip(one, other, strict=True)]


FIGURES: Final[dict[str, tuple[Measure, tuple[str, ...]]]] = {
    "rate": (no_hold, ("rate without a hold", "requests a CPU second")),
    "goodput": (held, ("goodput ÷ (c/h)",)),
}


def cores() -> tuple[Cores, Cores]:
    """One core for the services, and those for everything else; the same where there is but one."""
    first, *others = sorted(os.sched_getaffinity(0))
    return {first}, set(others) or {first}


@contextmanager
def on(chosen: Cores) -> Iterator[None]:
    """What is started inside runs on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, chosen)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def of_checkout(checkout: Path) -> type[LocalService]:
    """A service process of another checkout, by the interpreter of its own environment."""

    class There(LocalService):
        python = checkout / ".venv" / "bin" / "python"
        root = checkout

    return There


@contextmanager
def laboratories(checkout: Path) -> Iterator[Pairs]:
    with (
        on(cores()[1]),
        lab() as one,
        LoadGenerator() as generator,
        temporary.directory(DIRECTORY) as directory,
    ):
        two = replace(one, generator=generator, directory=directory)
        yield Pairs((one, two), of_checkout(checkout))


def rows(found: dict[str, list[tuple[float, ...]]]) -> Iterator[tuple[str, ...]]:
    for name, pairs in found.items():
        yield (name, str(len(pairs)), *(interval(ratios) for ratios in zip(*pairs, strict=True)))


def interval(ratios: Sequence[float]) -> str:
    """`0.9950 (0.9810–1.0100)`; without an interval where the pairs are too few for one."""
    found = signed_ranks(np.log([ratios]), 0.05)
    low, high = np.exp(found.low[0]), np.exp(found.high[0])
    shown = f" ({low:.4f}–{high:.4f})" if math.isfinite(high) else ""
    return f"{median(ratios):.4f}{shown}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m perf.against", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path, help="another checkout of the project, after `make setup`")
    parser.add_argument("stacks", nargs="*", metavar="STACK", default=list(STACKS))
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--figure", choices=FIGURES, action="append", help="only this one")
    asked = parser.parse_intermixed_args(arguments)
    checkout = asked.checkout.resolve()
    if not (checkout / ".venv" / "bin" / "python").exists():
        parser.error(f"{checkout} has no .venv: run `make setup` there")
    if unknown := set(asked.stacks) - set(STACKS):
        parser.error(f"unknown stack {', '.join(sorted(unknown))}: there are {', '.join(STACKS)}")
    if asked.pairs < 1:
        parser.error("--pairs must be 1 or more")
    chosen = [FIGURES[figure] for figure in asked.figure or FIGURES]
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in asked.stacks}
    with laboratories(checkout) as pairs:
        for number in range(asked.pairs):
            for name, ratios in found.items():
                ours_first = number % 2 == 0
                ratios.append(
                    tuple(each for measure, _ in chosen for each in measure(pairs, name, ours_first=ours_first))
                )
            print(f"pair {number + 1} of {asked.pairs}", file=sys.stderr, flush=True)
    print(f"here ÷ {checkout}, median of pairs and its 95 % interval")
    print(tabulate(rows(found), ("stack", "pairs", *(head for _, heads in chosen for head in heads))))


if __name__ == "__main__":
    main()
