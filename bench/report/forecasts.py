"""What scenarios must give, before anything runs, as `bench forecast` prints it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from bench.analysis.forecast import forecast, unsaid
from bench.record.schema import Forecast
from bench.report.formats.fitting import fitted
from bench.report.screen import PIPE, Screen
from bench.report.table import Table
from bench.report.words import UNKNOWN
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.model import LEAST_MARGIN_MS, Asked
from bench.scenarios.seeds import cell_seed
from services.workload.loads import Burst, Closed, Open, Sequential

HEADERS = (
    "scenario", "served", "timed\nout", "good-\nput\n1/s", "wait\np50\nms", "wait\np95\nms", "wait\np99\nms",
    "most\nin\nqueue", "last\nat\ns", "drain\ns",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """What every scenario has in place of its own; None leaves it that."""

    pool: int | None = None
    acquire_timeout_s: float | None = None


def forecasts(names: Iterable[str], hold_ms: int, seed: int, what_if: WhatIf, screen: Screen = PIPE) -> str:
    """A line for each scenario, as its first repetition will be, and below why some have none."""
    every = [SCENARIOS[name].at(hold_ms) for name in names]
    every = [replace(asked, acquire_timeout_s=what_if.acquire_timeout_s or asked.acquire_timeout_s) for asked in every]
    rows = tuple(
        _row(asked, forecast(asked, what_if.pool, seed=cell_seed(seed, asked.scenario.name, 0))) for asked in every
    )
    settings = [f"hold {hold_ms} ms", f"seed {seed}, repetition 1"]
    settings += [f"pool {what_if.pool}"] if what_if.pool else []
    settings += [f"acquire timeout {what_if.acquire_timeout_s:g} s"] if what_if.acquire_timeout_s else []
    table = fitted(Table(title="", headers=HEADERS, rows=rows, labels=1), screen.width)
    notes = [screen.prose(note, "- ") for note in _notes(every, what_if.pool)]
    return "\n".join((screen.prose(" · ".join(settings)), "", table, "", *notes))


def _row(asked: Asked, said: Forecast) -> tuple[str, ...]:
    waits = (said.acquire_ms_p50, said.acquire_ms_p95, said.acquire_ms_p99)
    numbers = (
        said.served, said.timed_out, said.goodput_per_s, *waits, said.waiting_peak, said.wall_s, said.drain_s,
    )  # fmt: skip
    return asked.scenario.name, *map(_number, numbers)


def _number(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return str(round(value)) if value >= 100 else f"{value:.3g}"


def _notes(every: Iterable[Asked], pool: int | None) -> Iterator[str]:
    yield (
        "A first-come, first-served pool that costs nothing; waits are those of the served; last: the last "
        "answer after the first request; drain: after the last request."
    )
    for how, loads in (("arithmetic", Burst | Sequential), ("simulation", Open | Closed)):
        if by := [asked.scenario.name for asked in every if isinstance(asked.load, loads) and not unsaid(asked)]:
            yield f"By {how}: {', '.join(by)}."
    reasons: dict[str, list[str]] = {}
    for asked in every:
        if why := unsaid(asked):
            reasons.setdefault(why, []).append(asked.scenario.name)
        elif near := _on_a_boundary(asked, pool or asked.scenario.pool_size):
            yield near
    for why, names in reasons.items():
        yield f"Not said, because it cannot be, of {', '.join(names)}: {why}."


def _on_a_boundary(asked: Asked, c: int) -> str:
    """A burst whose acquire timeout ends where a batch begins is a coin toss."""
    hold_ms, acquire_timeout_ms = asked.hold_ms, asked.acquire_timeout_s * 1000
    if not isinstance(asked.load, Burst):
        return ""
    batch = round(acquire_timeout_ms / hold_ms)
    margin_ms = abs(acquire_timeout_ms - batch * hold_ms)
    in_it = min(c, asked.load.requests - batch * c)
    if margin_ms >= LEAST_MARGIN_MS or in_it <= 0 or not batch:
        return ""
    return (
        f"{asked.scenario.name}: the acquire timeout ends {margin_ms:g} ms from the {batch + 1}th batch, and whether "
        "its "
        f"{in_it} are served is a coin toss: {batch * c} to {batch * c + in_it} served."
    )
