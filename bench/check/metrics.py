"""Checks that `/metrics` has the contract's names, starts at 0, and counts failures, too."""

from collections.abc import Mapping
from typing import Final

from bench.check.experiments import shown_exhaustion
from bench.check.exposition import Exposition
from bench.check.judge import PER_REQUEST_S, RELATIVE
from bench.check.subject import Subject
from bench.check.verdicts import Failed, settle
from services.common import contract, instruments

GAUGES: Final = {one.name: key for key, one in instruments.GAUGES.items()}
COUNTERS: Final = {f"{one.name}_total": key for key, one in instruments.COUNTERS.items()}
"""Each metric, and what `/pool/stats` calls the same fact."""
HISTOGRAMS: Final = tuple(one.name for one in (*instruments.HISTOGRAMS, instruments.REQUEST))
SERIES: Final[Mapping[str, str]] = {
    **dict.fromkeys((one.name for one in instruments.GAUGES.values()), ""),
    **dict.fromkeys((one.name for one in instruments.COUNTERS.values()), "_total"),
    **dict.fromkeys((one.name for one in instruments.HISTOGRAMS), "_count"),
}
"""What the name of a metric's first series ends in."""
CONVENTIONAL: Final = tuple(
    (theirs + SERIES[ours], {f"db_client_connection_{key}": value for key, value in extra.items()})
    for ours, theirs, extra in instruments.CONVENTIONAL
)
UNSTEADY: Final = ("pool_connecting",)
"""A connect lasts a millisecond or two, and can lie between two looks."""
OPENMETRICS: Final = "application/openmetrics-text"


async def metric_names(subject: Subject) -> str:
    """Every metric of the contract is there, labelled with the service."""
    text = await subject.metrics()
    wanted = [*GAUGES, *COUNTERS, f"{instruments.REQUESTS.name}_total"]
    for name in HISTOGRAMS:
        wanted += [f"{name}_bucket", f"{name}_sum", f"{name}_count"]
    missing = [name for name in wanted if not text.of(name, service=subject.service)]
    return settle([f"no {name}{{service={subject.service!r}}}" for name in missing], f"{len(wanted)} names")


async def metric_conventions(subject: Subject) -> str:
    """The same facts stand under the semantic conventions' names, with the pool's name."""
    text = await subject.metrics()
    missing = [
        f"{name}{labels or ''}" for name, labels in CONVENTIONAL if not text.of(name, **labels, **_pool(subject))
    ]
    return settle([f"no {one} of pool {subject.service!r}" for one in missing], f"{len(CONVENTIONAL)} names")


async def metrics_from_zero(subject: Subject) -> str:
    """A counter is there before its first event: a rate over a series that is not there is no rate."""
    text = subject.first_metrics
    problems = [f"{name} was not there before the first request" for name in COUNTERS if not text.of(name)]
    pooled = [path for path in contract.METHODS if path.startswith("/api/") and path != contract.NOOP]
    for route, status in [(path, status) for path in pooled for status in ("200", "503")]:
        if not text.of("http_requests_total", route=route, status=status):
            problems.append(f"http_requests_total of {route} with {status} was not there before the first request")
    return settle(problems, f"{len(COUNTERS)} counters and {2 * len(pooled)} routes are there from the start")


async def metrics_on_request(subject: Subject) -> str:
    """Prometheus text where nothing is said, OpenMetrics where it is asked for."""
    plain = await subject.client.get(contract.METRICS)
    asked = await subject.client.ask("GET", contract.METRICS, headers={"Accept": f"{OPENMETRICS}; version=1.0.0"})
    kinds = [answer.headers.get("content-type", "none") for answer in (plain, asked)]
    problems = []
    if not kinds[0].startswith("text/plain"):
        problems.append(f"Content-Type is {kinds[0]}, not text/plain")
    if not kinds[1].startswith(OPENMETRICS) or not asked.body.endswith(b"# EOF\n"):
        problems.append(f"asked for OpenMetrics, Content-Type is {kinds[1]}, the end {asked.body[-10:]!r}")
    return settle(problems, f"{len(plain.body)} bytes of text, {len(asked.body)} of OpenMetrics")


async def metrics_equal_stats(subject: Subject) -> str:
    """While the pool is exhausted and after, `/metrics` and `/pool/stats` tell the same."""
    seen = await subject.once("exhaustion", shown_exhaustion)
    first, text, second = seen.looks
    problems, compared = [], 0
    for name, key in (GAUGES | COUNTERS).items():
        if key in UNSTEADY or first[key] is None or second[key] is None:
            continue
        compared += 1
        value = text.total(name, service=subject.service)
        low, high = sorted((first[key], second[key]))
        if not low - RELATIVE * low - PER_REQUEST_S <= value <= high + RELATIVE * high + PER_REQUEST_S:
            problems.append(f"{name} is {value:g}, {key} was {first[key]:g} and {second[key]:g} around it")
    return settle(problems, f"{compared} figures agree while the pool is exhausted")


async def metrics_count_failures(subject: Subject) -> str:
    """A timeout stands in the counters and in the histograms, under both kinds of names."""
    seen = await subject.once("exhaustion", shown_exhaustion)
    served = sum(1 for one in seen.samples if one.status == 200)
    refused = sum(1 for one in seen.samples if one.status == 503)
    if not refused:
        raise Failed("no request was refused with 503, so no failure could be counted")
    before, after = seen.metrics_before, seen.metrics_after
    expected = {
        ("db_pool_exhaustion_total", ""): refused,
        ("db_client_connection_timeouts_total", ""): refused,
        ("db_pool_acquire_seconds_count", ""): served + refused,
        ("db_client_connection_wait_time_seconds_count", ""): served + refused,
        ("db_query_duration_seconds_count", ""): served,
        ("http_requests_total", "503"): refused,
        ("http_request_duration_seconds_count", "503"): refused,
    }
    problems = []
    for (name, status), count in expected.items():
        labels = {"status": status} if status else {}
        if (given := _rise(before, after, name, labels)) != count:
            problems.append(f"{name}{labels or ''} rose by {given:g}, the client saw {count}")
    return settle(problems, f"{refused} refused and {served} served in {len(expected)} counts")


def _rise(before: Exposition, after: Exposition, name: str, labels: dict[str, str]) -> float:
    return after.total(name, **labels) - before.total(name, **labels)


def _pool(subject: Subject) -> dict[str, str]:
    return {instruments.POOL_NAME: subject.service}
