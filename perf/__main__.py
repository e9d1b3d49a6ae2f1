"""`make perf`: what the services, the generator and the harness cost, and what k6 and wrk say, as ratios of one run.

Arguments are the names of the sections that are wanted. The aims stand beside the figures; exit status 0 whatever they
are. `kills`, with arguments of its own, is `perf.kills`: it is played alone, and only where it is asked for.
"""

import sys
from collections.abc import Callable
from statistics import fmean, median
from time import monotonic
from typing import Final

import polars as pl
from tabulate import tabulate

from bench.record.schema import Plan
from bench.record.store import Store
from bench.run.checks import CHECK_ESTIMATE_S
from bench.run.environment import describe
from bench.run.loop import run
from bench.run.matrix import estimate_s, planned_cells
from bench.run.progress import Progress
from bench.run.results import Results
from bench.scenarios.profiles import PROFILES
from bench.targets.process import LocalService
from bench.targets.target import Target
from perf import kills
from perf.crosscheck import crosscheck
from perf.lab import Lab, lab
from perf.measures import CONNECTIONS, HOLD_MS, HOLDING, NO_HOLD, closed, rate_per_s
from perf.page import page
from perf.starts import starts
from services.common import contract
from services.stacks import STACKS
from services.workload.loads import Burst, Open

ROUNDS: Final = 5
SERVICES: Final = tuple(STACKS)


class BareService(LocalService):
    """The same process without the instruments."""

    def module(self) -> tuple[str, ...]:
        return ("perf.bare", self.name)


def efficiency(here: Lab) -> str:
    """Goodput ÷ (c/h) at hold 100 ms with 100 clients."""
    rows = []
    for name in SERVICES:
        with LocalService(name, here.database, HOLDING) as service:
            frame = here.play(service.base_url, closed(100, 6), contract.QUERY).requests
        held_s = fmean(frame.filter(pl.col("status") == 200)["work_us"].to_list()) / 1e6
        rate = rate_per_s(frame, 1, 6)
        rows.append(
            (
                name,
                f"{rate / CONNECTIONS * HOLD_MS / 1000:.4f}",
                f"{rate / CONNECTIONS * held_s:.4f}",
                f"{held_s * 1000:.2f} ms",
            )
        )
    return tabulate(rows, ("service", "goodput ÷ (c/h) (aim ≥ 0.98)", "÷ (c/hold measured) (aim ≥ 0.985)", "hold"))


def instruments(here: Lab) -> str:
    """Each service without a hold against the bare one, alternating."""
    rows = []
    for name in SERVICES:
        ours, bare = LocalService(name, here.database, NO_HOLD), BareService(name, here.database, NO_HOLD)
        rates: dict[str, list[float]] = {"ours": [], "bare": []}
        cpu: dict[str, list[float]] = {"ours": [], "bare": []}
        with ours, bare:
            for _ in range(ROUNDS):
                for label, service in (("ours", ours), ("bare", bare)):
                    before = service.usage().cpu_s
                    frame = here.play(service.base_url, closed(20, 3), contract.QUERY).requests
                    rates[label].append(rate_per_s(frame, 0.5, 3))
                    cpu[label].append((service.usage().cpu_s - before) / len(frame))
        ratio = [a / b for a, b in zip(rates["ours"], rates["bare"], strict=True)]
        cost = [b / a for a, b in zip(cpu["ours"], cpu["bare"], strict=True)]
        rows.append(
            (
                name,
                f"{median(rates['ours']):.0f}/s",
                f"{median(rates['bare']):.0f}/s",
                f"{median(ratio):.3f} ({min(ratio):.3f}–{max(ratio):.3f})",
                f"{median(cost):.3f}",
            )
        )
    return tabulate(rows, ("service", "ours", "bare", "rate ours ÷ bare (aim ≥ 0.85)", "CPU a request bare ÷ ours"))


def generator(here: Lab) -> str:
    """Lateness of an open load at 500/s, and skew of a burst of 50, against a route that does nothing."""
    late: list[float] = []
    skew: list[float] = []
    with LocalService(SERVICES[0], here.database, {"work_time_ms": 0}) as service:
        for _ in range(ROUNDS):
            outcome = here.play(service.base_url, Open(rate_per_s=500, seconds=4, arrivals="uniform"), contract.NOOP)
            late.append(outcome.lateness_ms_p99 or 0.0)
            skew.append(here.play(service.base_url, Burst(requests=50), contract.NOOP).skew_ms or 0.0)
    rows = [
        ("p99 lateness at 500/s (aim ≤ 2 ms)", *_spread(late)),
        ("skew of a burst of 50 (aim ≤ 4 ms)", *_spread(skew)),
    ]
    return tabulate(rows, ("generator", "median ms", "least", "most"), floatfmt=".2f")


def harness(here: Lab) -> str:
    """What a run takes beside its load: checks, starting, warming up, stopping, saving."""
    plan = Plan(
        profile="quick",
        tuning="equalised",
        tracing=False,
        hold_ms=100,
        repeat=1,
        seed=1,
        services=SERVICES,
        scenarios=PROFILES["quick"].scenarios,
    )
    cells = planned_cells(plan)
    progress = Progress([CHECK_ESTIMATE_S] * len(SERVICES) + [estimate_s(cell) for cell in cells])
    results = Results(Store(here.directory / "run"))
    ended = run(
        plan, describe(here.database, "embedded"), Target(here.database, local=True), None, progress, results.add
    )
    load_s = sum(cell.load_s for cell in ended.cells)
    beside_s = ended.took_s - load_s
    rows = [
        ("all, checks included", beside_s / load_s),
        ("cells alone", (beside_s - ended.checks_s) / load_s),
    ]
    return tabulate(rows, ("quick profile", "harness time ÷ load time (aim ≤ 1.25)"), floatfmt=".2f")


def _spread(values: list[float]) -> tuple[float, float, float]:
    return median(values), min(values), max(values)


def main() -> None:
    sections: list[tuple[str, Callable[[Lab], str]]] = [
        ("Capacity: hold 100 ms, pool 5, 100 clients", efficiency),
        ("Instruments: no hold, pool 20, 20 clients, tracing off", instruments),
        ("Load generator", generator),
        ("Cross-check: ours, k6 and wrk ask the same service in turn; pool 10, hold 100 ms", crosscheck),
        ("Harness", harness),
        ("Starts", starts),
        ("Page", page),
    ]
    chosen, names = sys.argv[1:], [*(section.__name__ for _, section in sections), "kills"]
    if chosen[:1] == ["kills"]:
        sys.exit(kills.main(chosen[1:]))
    for unknown in chosen:
        if unknown not in names:
            print(f"perf: unknown section {unknown!r}: there are {', '.join(names)}", file=sys.stderr)
            sys.exit(2)
    with lab() as here:
        for title, section in sections:
            if chosen and section.__name__ not in chosen:
                continue
            began = monotonic()
            print(f"\n{title}\n{section(here)}\n({monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
