"""How stacks, metrics, loads and numbers are called in tables.

In: names and values of records. Out: short texts, the same in every format.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bench.analysis.figures import Figure
from bench.record.schema import AGAIN, Layer, StackFacts
from bench.scenarios.model import Freeze, KillBackends, Leak, ReleaseLeaks, Scenario
from services.stacks import STACKS
from services.workload.loads import Burst, Closed, Load, Open, Sequential

UNKNOWN: Final = "–"
NOT_SERVED: Final = "not served"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """How a metric is shown: its name with the unit, and the word for what is beyond all numbers."""

    label: str
    short: str | None = None
    """In the overview, where width is dear."""
    decimals: int | None = None
    """None: as many as give three digits."""
    beyond: str = UNKNOWN


def _quantile_metrics() -> dict[str, Metric]:
    return {
        f"{what}_ms_{suffix}_{kind}": Metric(
            label=f"{what} {suffix}, {kind} (ms)",
            short=f"{what} {suffix}, ms",
            beyond=NOT_SERVED if kind == "all" else UNKNOWN,
        )
        for what in ("acquire", "latency")
        for suffix in ("p50", "p95", "p99", "max")
        for kind in ("served", "all")
    }


def _uncorrected_metrics() -> dict[str, Metric]:
    return {
        f"latency_uncorrected_ms_{suffix}_{kind}": Metric(
            label=f"… from sending, {suffix}, {kind} (ms)",
            short="… from sending, ms",
            beyond=NOT_SERVED if kind == "all" else UNKNOWN,
        )
        for suffix in ("p50", "p95", "p99", "max")
        for kind in ("served", "all")
    }


METRICS: Final[dict[str, Metric]] = {
    "sent": Metric(label="sent", decimals=0),
    "ok": Metric(label="served", decimals=0),
    "timed_out": Metric(label="timed out", decimals=0),
    "failed": Metric(label="failed otherwise", decimals=0),
    "goodput_per_s": Metric(label="goodput (1/s)"),
    "efficiency": Metric(label="goodput ÷ (c/h)", decimals=3),
    **_quantile_metrics(),
    **_uncorrected_metrics(),
    "queue_ms_p50": Metric(label="before the app, p50 (ms)"),
    "inversions": Metric(label="overtook somebody", decimals=0),
    "overtaken": Metric(label="were overtaken", decimals=0),
    "fifo_distance_ms": Metric(label="from first come first served, mean (ms)"),
    "fifo_excess_ms_max": Metric(label="waited longer than that, most (ms)"),
    "ask_known_ms_p99": Metric(label="moment of asking known within, p99 (ms)"),
    "jain_index": Metric(label="Jain's index, served per user", short="Jain's index", decimals=3),
    "jain_index_waits": Metric(label="Jain's index, mean wait per user", decimals=3),
    "worst_user_share": Metric(label="worst served user ÷ mean", decimals=2),
    "starved_users": Metric(label="users served under half the mean", decimals=0),
    "longest_wait_ms": Metric(label="longest wait of a request (ms)"),
    "hold_ms_p50": Metric(label="hold as measured, p50 (ms)"),
    "first_timeout_s": Metric(label="first timeout at (s)", beyond="none"),
    "recovered_s": Metric(label="recovered after (s)", beyond="never"),
    "served_again_s": Metric(label="all served again after (s)", beyond="never"),
    "backends_again_s": Metric(label="c backends again after (s)", beyond="never"),
    "wall_s": Metric(label="last answer after (s)"),
    "waiting_peak": Metric(label="most waiting", decimals=0),
    "used_peak": Metric(label="most handed out", decimals=0),
    "used_last": Metric(label="handed out at the end", decimals=0),
    "backends_last": Metric(label="backends at the end", decimals=0),
    "app_cpu_ms_per_request": Metric(label="CPU per request (ms)"),
    "app_rss_mb": Metric(label="memory, shared pages once a process (MB)"),
    "app_pss_mb": Metric(label="memory (MB)"),
    "skew_ms": Metric(label="sent within (ms)"),
    "lateness_ms_p99": Metric(label="sent late by, p99 (ms)"),
}


def uncorrected(metrics: Iterable[str], kind: str) -> tuple[str, ...]:
    """The same, where the load is open with the latency from sending beside each that counts from the plan."""
    beside = {name: name.replace("latency_ms", "latency_uncorrected_ms") for name in METRICS if kind == "open"}
    return tuple(shown for name in metrics for shown in dict.fromkeys((name, beside.get(name, name))))


def about_latency(metrics: Iterable[str], kind: str) -> Iterator[str]:
    """From when latency counts, where a table of open or closed load shows it."""
    if kind == "open" and any(name.startswith("latency_ms") for name in metrics):
        yield "latency counts from the moment planned for sending, whether or not the generator kept it"
    if kind == "closed" and any(name.startswith("latency_ms") for name in metrics):
        yield "latency counts from sending: a closed load has no plan, so that who waits asks less often"


Stacks = Mapping[str, StackFacts]
"""What a run's record says of its stacks."""
NONE: Final[Stacks] = MappingProxyType({})


def stack(service: str, layer: Layer = "http", recorded: Stacks = NONE) -> str:
    """What stands at the head of a column: as recorded, or by the registry; a service of no stack keeps its name."""
    own = service.removesuffix(AGAIN)
    known = recorded.get(own) or STACKS.get(own)
    if known is None:
        return service
    name = known.label if layer == "http" else known.pool
    return name if service == own else f"{name}, again"


def whole(service: str, layer: Layer, recorded: Stacks = NONE) -> str | None:
    """All that a column stands for; None for a service of no stack."""
    known = recorded.get(service) or STACKS.get(service)
    if known is None:
        return None
    return known.text if layer == "http" else known.text_alone


def metric(name: str) -> Metric:
    return METRICS.get(name, Metric(label=name))


def number(value: float, decimals: int) -> str:
    return "∞" if math.isinf(value) else f"{value:.{decimals}f}"


def decimals_of(name: str, values: Iterable[float]) -> int:
    """As many as give the largest of the values three digits, so that a row reads alike.

    Counts are whole unless a median lies between two.
    """
    known, fixed = [abs(value) for value in values], metric(name).decimals
    if fixed == 0:
        return 0 if all(value == round(value) for value in known) else 1
    largest = max(known, default=0.0)
    return fixed or (0 if largest >= 100 or not largest else 1 if largest >= 10 else 2 if largest >= 1 else 3)


def expectation(name: str, value: float | None) -> str:
    """A figure of the forecast."""
    if value is None:
        return ""
    return metric(name).beyond if math.isinf(value) else f"{round(value, decimals_of(name, [value])):g}"


def figure(found: Figure, decimals: int, ends: tuple[float, float] | None = None) -> str:
    """`1.23 (1.20–1.26)`, the median and its interval; `1.23 [1.20–1.26]`, and the lowest and highest, where
    there is no interval; alone where these read the same. "" where there is no median."""
    if found.value is None:
        return ""
    brackets = "[]"
    if found.low is not None:
        brackets, ends = "()", (found.low, math.inf if found.high is None else found.high)
    value = number(found.value, decimals)
    low, high = (number(end, decimals) for end in ends or (found.value, found.value))
    return value if low == high == value else f"{value} {brackets[0]}{low}–{high}{brackets[1]}"


def counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"


def duration(seconds: float) -> str:
    """As long as it is: `100 ms`, `1.05 s`, `42 min`."""
    if seconds >= 120:
        return f"{seconds / 60:.0f} min"
    return f"{round(seconds * 1000, 3):g} ms" if 0 < seconds < 1 else f"{round(seconds, 3):g} s"


def load(of: Load) -> str:
    """A load in a few words."""
    match of:
        case Closed(stages=stages, think_s=think_s):
            think = f", think {duration(think_s)}" if think_s else ""
            first, *later = stages
            if not first.seconds and {stage.users for stage in later} == {first.users}:
                return f"{first.users} users for {duration(sum(stage.seconds for stage in later))}{think}"
            return f"0→{'→'.join(str(stage.users) for stage in stages)} users{think}"
        case Open(rate_per_s=rate, seconds=seconds, arrivals=arrivals):
            return f"{rate:g}/s for {duration(seconds)}, {arrivals}"
        case Burst(requests=n):
            return f"burst of {n}"
        case Sequential(requests=n):
            return "1 request" if n == 1 else f"{n} in sequence"


def faults(scenario: Scenario, unit_s: float) -> str:
    """What goes wrong meanwhile; fault times are multiples of `unit_s`."""
    said = []
    for fault in scenario.faults:
        match fault:
            case Leak(at=at, count=count):
                said.append(f"{count} leak from {duration(at * unit_s)}")
            case ReleaseLeaks(at=at):
                said.append(f"what was kept is given back at {duration(at * unit_s)}")
            case KillBackends(at=at):
                said.append(f"every connection is cut at {duration(at * unit_s)}")
            case Freeze(at=at, holds=holds):
                said.append(f"the database is frozen from {duration(at * unit_s)} for {duration(holds * unit_s)}")
    return ", ".join(said)
