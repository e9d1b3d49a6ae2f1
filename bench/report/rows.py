"""Which metrics the table of a scenario shows."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from bench.metrics.registry import METRICS
from bench.report.numbers import expectation
from bench.report.view import View
from bench.report.words import UNKNOWN
from bench.scenarios.catalogue import SCENARIOS

LOADED: Final = (
    "sent", "ok", "timed_out", "failed", "goodput_per_s", "efficiency",
    "acquire_ms_p50_all", "acquire_ms_p99_all", "acquire_ms_max_served", "queue_ms_p50",
    "first_timeout_s", "wall_s", "waiting_peak", "app_cpu_ms_per_request",
    "skew_ms", "lateness_ms_p99",
)  # fmt: skip
ORDER: Final = ("inversions", "overtaken", "fifo_distance_ms", "fifo_excess_ms_max", "ask_known_ms_p99")
ROWS: Final[Mapping[str, tuple[str, ...]]] = {
    "baseline": (
        "latency_ms_p50_served", "latency_ms_p99_served", "acquire_ms_p50_served", "hold_ms_p50",
        "app_cpu_ms_per_request", "app_pss_mb",
    ),
    "overload": (
        "sent", "ok", "timed_out", "failed", "goodput_per_s", "efficiency",
        "acquire_ms_p50_all", "acquire_ms_p99_all", "acquire_ms_max_served", "latency_ms_p50_all", "latency_ms_p99_all",
        *ORDER, "queue_ms_p50", "first_timeout_s", "wall_s", "waiting_peak", "app_cpu_ms_per_request",
        "lateness_ms_p99",
    ),
    "fairness": (
        "sent", "ok", "timed_out", "failed", "goodput_per_s", "efficiency",
        "jain_index", "jain_index_waits", "worst_user_share", "starved_users", "longest_wait_ms",
        "acquire_ms_p50_all", "acquire_ms_p99_all", "latency_ms_p50_all", "latency_ms_p99_all",
        *ORDER, "queue_ms_p50", "first_timeout_s", "wall_s", "waiting_peak", "app_cpu_ms_per_request",
    ),
    "leaks": (
        "ok", "timed_out", "failed", "recovered_s", "first_timeout_s", "acquire_ms_p50_all",
        "waiting_peak", "used_last", "backends_last", "lateness_ms_p99",
    ),
    "outage": (
        "ok", "timed_out", "failed", "served_again_s", "backends_again_s", "first_timeout_s",
        "acquire_ms_p50_all", "acquire_ms_max_served", "latency_ms_max_served",
        "waiting_peak", "used_last", "backends_last", "lateness_ms_p99",
    ),
}  # fmt: skip
"""The metrics that a table of a family shows; `LOADED` for every other."""


def shown(view: View, scenario: str) -> tuple[str, ...]:
    """The metrics of a scenario's table, in their order."""
    known = SCENARIOS.get(scenario)
    return uncorrected(ROWS.get(known.family, LOADED) if known else LOADED, view.kind(scenario))


def uncorrected(metrics: Iterable[str], kind: str) -> tuple[str, ...]:
    """The same, where the load is open with the latency from sending beside each that counts from the plan."""
    found = list[str]()
    for name in metrics:
        found.append(name)
        if kind == "open" and METRICS[name].uncorrected:
            found.append(METRICS[name].uncorrected)
    return tuple(found)


def about_latency(metrics: Iterable[str], kind: str) -> Iterator[str]:
    """From when latency counts, where a table of open or closed load shows it."""
    if not any(METRICS[name].uncorrected for name in metrics):
        return
    if kind == "open":
        yield "latency counts from the moment planned for sending, whether or not the generator kept it"
    if kind == "closed":
        yield "latency counts from sending: a closed load has no plan, and a slow stack receives fewer requests"


def says_something(view: View, scenario: str, name: str, forecast: str, figures: Iterable[str]) -> bool:
    """Whether a row of this metric is worth its place."""
    if name == "sent" and view.sent(scenario) is not None:  # then it stands in the label of those served
        return False
    metric = METRICS[name]
    if view.fewest_sent(scenario) < metric.least_sent:
        return False
    dull = UNKNOWN if metric.dull is None else expectation(name, metric.dull)
    return not {forecast, *figures} <= {"", dull}
