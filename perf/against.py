"""`python -m perf.against CHECKOUT [--pairs N] [STACK …]`: each stack here against the same stack of another checkout.

A pair is two fresh processes, one of each checkout, that are asked in turn (here, there, there, here …). What is shown
is the ratio of a pair, here ÷ there: requests a second without a hold, CPU time of the service a request, and goodput
÷ (c/h) under a hold; the median of all pairs, with the exact 95 % interval of Wilcoxon's signed-rank test on logs.
"""

import argparse
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Final

from tabulate import tabulate

from bench.analysis.ranks import paired
from bench.load.outcome import Outcome
from bench.targets.process import LocalService
from perf.lab import Lab, lab
from perf.measures import rate_per_s
from services.common import contract
from services.stacks import STACKS
from services.workload.loads import Closed, Stage

TURNS: Final = (True, False, False, True)
"""Which of a pair is asked in a round: here, there, there, here."""
ROUNDS: Final = 6
TURN_S: Final = 0.8
"""Short turns, because a machine's speed drifts within seconds."""
NO_HOLD: Final = {"pool_min_size": 20, "pool_max_size": 20, "work_time_ms": 0, "threads": 40}
HOLD_MS: Final = 100
HOLDING: Final = {
    "pool_min_size": 5,
    "pool_max_size": 5,
    "work_time_ms": HOLD_MS,
    "pool_acquire_timeout": 30,
    "threads": 108,
}


class OfCheckout(LocalService):
    """A service process of another checkout, by the interpreter of its own environment."""

    checkout: Path

    def start(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [self.checkout / ".venv" / "bin" / "python", "-m", f"services.{self.name}"],
            cwd=self.checkout,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )


def no_hold(here: Lab, name: str, there: type[LocalService]) -> tuple[float, float]:
    """The ratios of requests a second, and of CPU time a request: medians over the rounds of one pair."""
    rates: list[float] = []
    costs: list[float] = []
    with LocalService(name, here.database, NO_HOLD) as ours, there(name, here.database, NO_HOLD) as theirs:
        for _ in range(ROUNDS):
            found: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
            for side in TURNS:
                found[side].append(_turn(here, ours if side else theirs))
            here_, there_ = ([fmean(each) for each in zip(*found[side], strict=True)] for side in (True, False))
            rates.append(here_[0] / there_[0])
            costs.append(here_[1] / there_[1])
    return median(rates), median(costs)


def _turn(here: Lab, service: LocalService) -> tuple[float, float]:
    """Requests a second, and CPU seconds of the service a request."""
    before = service.usage().cpu_s
    frame = _closed(here, service, users=20, seconds=TURN_S).requests
    return rate_per_s(frame, 0.1, TURN_S), (service.usage().cpu_s - before) / len(frame)


def held(here: Lab, name: str, there: type[LocalService]) -> tuple[float, ...]:
    """The ratio of goodput ÷ (c/h)."""
    with LocalService(name, here.database, HOLDING) as ours, there(name, here.database, HOLDING) as theirs:
        rates = [rate_per_s(_closed(here, one, users=100, seconds=6).requests, 1, 6) for one in (ours, theirs)]
    return (rates[0] / rates[1],)


FIGURES: Final = {
    "rate": (no_hold, ("rate without a hold", "CPU a request")),
    "goodput": (held, ("goodput ÷ (c/h)",)),
}


def rows(found: dict[str, list[tuple[float, ...]]]) -> Iterator[tuple[str, ...]]:
    for name, pairs in found.items():
        yield (name, str(len(pairs)), *(_interval(ratios) for ratios in zip(*pairs, strict=True)))


def _closed(here: Lab, service: LocalService, *, users: int, seconds: float) -> Outcome:
    load = Closed(stages=(Stage(users=users, seconds=0), Stage(users=users, seconds=seconds)))
    return here.play(service.base_url, load, contract.QUERY)


def _interval(ratios: Sequence[float]) -> str:
    """`0.995 (0.981–1.010)`."""
    interval = paired([math.log(ratio) for ratio in ratios]).interval(0.05)
    shown = "" if interval is None else f" ({math.exp(interval[0]):.4f}–{math.exp(interval[1]):.4f})"
    return f"{median(ratios):.4f}{shown}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="perf.against", description=__doc__)
    parser.add_argument("checkout", type=Path, help="another checkout of the project, after `make setup`")
    parser.add_argument("stacks", nargs="*", metavar="STACK", default=list(STACKS))
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--figure", choices=FIGURES, action="append", help="only this one")
    asked = parser.parse_args()
    checkout = asked.checkout.resolve()
    if not (checkout / ".venv" / "bin" / "python").exists():
        sys.exit(f"perf: {checkout} has no .venv: run `make setup` there")
    if unknown := set(asked.stacks) - set(STACKS):
        sys.exit(f"perf: unknown stack {', '.join(unknown)}: there are {', '.join(STACKS)}")
    there = type("There", (OfCheckout,), {"checkout": checkout})
    chosen = [FIGURES[figure] for figure in asked.figure or FIGURES]
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in asked.stacks}
    with lab() as here:
        for pair in range(1, asked.pairs + 1):
            for name, pairs in found.items():
                pairs.append(tuple(ratio for measure, _ in chosen for ratio in measure(here, name, there)))
            print(f"pair {pair} of {asked.pairs}", file=sys.stderr, flush=True)
    print(f"here ÷ {checkout}, median of pairs and its 95 % interval")
    print(tabulate(rows(found), ("stack", "pairs", *(head for _, heads in chosen for head in heads))))


if __name__ == "__main__":
    main()
