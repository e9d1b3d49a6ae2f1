"""Every PromQL of the dashboards, in one place.

Each function takes a service: its name, `$service`, or `EVERY`. In each group the last query is never below the others,
but for those that are marked with `may_top`: `highest` takes the largest of these for a common scale.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

EVERY: Final = ".+"
HIGHEST: Final = "highest of all"
POOL_NAME: Final = "db_client_connection_pool_name"
POOL: Final = f'{{job="$job", {POOL_NAME}="$pool"}}'
"""One pool of any service that follows the semantic conventions."""


@dataclass(frozen=True, slots=True)
class Query:
    """An expression and how its series are called.

    `exemplar` asks for traces beside it; `may_top` says that it can be above the last of its group.
    """

    expr: str
    legend: str
    exemplar: bool = False
    may_top: bool = False


Queries = tuple[Query, ...]


def highest(queries: Callable[[str], Queries]) -> Query:
    """The largest value among all services: in every column, it gives the columns one scale."""
    *others, last = queries(EVERY)
    expr = f"max({last.expr})"
    for rival in (f"max({query.expr})" for query in others if query.may_top):
        expr = f"{rival} > {expr} or {expr}"
    return Query(expr, HIGHEST)


# --- the pool


def connections(service: str) -> Queries:
    """“used” is above “max” where a library overflows, or has replaced what a handler dropped."""
    at = _at(service)
    return (
        Query(f"db_pool_used_size{at}", "used", may_top=True),
        Query(f"db_pool_free_size{at}", "free"),
        Query(f"db_pool_max_size{at}", "max"),
    )


def connections_in_detail(service: str) -> Queries:
    at = _at(service)
    used, free, most = connections(service)
    return (
        used,
        free,
        Query(f"db_pool_connecting{at}", "connecting"),
        Query(f"db_pool_size{at}", "size"),
        Query(f"db_pool_min_size{at}", "min"),
        most,
    )


def utilisation(service: str) -> Queries:
    at = _at(service)
    return (Query(f"db_pool_used_size{at} / db_pool_max_size{at}", "used ÷ max"),)


def waiting(service: str) -> Queries:
    return (Query(f"db_pool_waiting_requests{_at(service)}", "waiting"),)


def mean_waiting(service: str) -> Queries:
    """L, the mean length of the queue: how fast its integral grows."""
    return (Query(_rate("db_pool_waiter_seconds_total", _at(service)), "waiting, mean"),)


def mean_used(service: str) -> Queries:
    at = _at(service)
    return (
        Query(_rate("db_pool_used_seconds_total", at), "used, mean"),
        Query(f"db_pool_max_size{at}", "max"),
    )


# --- acquire, hold, connect


def acquire(service: str) -> Queries:
    return _durations("db_pool_acquire_seconds", _at(service), exemplar=True)


def hold(service: str) -> Queries:
    return _durations("db_query_duration_seconds", _at(service))


def connect(service: str) -> Queries:
    return _durations("db_pool_connect_seconds", _at(service))


def connects(service: str) -> Queries:
    return (Query(_rate("db_pool_connect_seconds_count", _at(service)), "connects"),)


def mean_wait(service: str) -> Queries:
    """W = L ÷ λ by Little's law, beside the mean of the waits that ended in the same window."""
    at = _at(service)
    length, ended = _rate("db_pool_waiter_seconds_total", at), _rate("db_pool_acquire_seconds_count", at)
    return (
        Query(f"{length} / ({ended} > 0)", "L ÷ λ"),
        Query(_mean("db_pool_acquire_seconds", at), "as measured"),
    )


def timeouts(service: str) -> Queries:
    return (Query(_rate("db_pool_exhaustion_total", _at(service)), "timed out"),)


def outcomes(service: str) -> Queries:
    at = _at(service)
    return (
        Query(_rate("db_pool_acquired_total", at), "got one"),
        Query(_rate("db_pool_acquire_failed_total", at), "failed"),
        *timeouts(service),
    )


def lost(service: str) -> Queries:
    at = _at(service)
    return (
        Query(f"db_pool_abandoned_total{at}", "abandoned"),
        Query(f"db_pool_leaked_total{at}", "leaked"),
    )


# --- requests, those that need a connection


def answers(service: str) -> Queries:
    return (
        Query(f"sum by (service) ({_rate('http_requests_total', _api(service, status='200'))})", "served (200)"),
        Query(f"sum by (service) ({_rate('http_requests_total', _api(service))})", "answered"),
    )


def served(service: str) -> Queries:
    return answers(service)[:1]


def statuses(service: str) -> Queries:
    return (Query(f"sum by (status) ({_rate('http_requests_total', _api(service))})", "{{status}}"),)


def latency(service: str) -> Queries:
    return _durations("http_request_duration_seconds", _api(service))


# --- PostgreSQL and the process


def backends(service: str) -> Queries:
    at = f'{{application_name=~"{service}"}}'
    return (
        Query(f"sum by (state) (poolbench_backends_count{at})", "{{state}}"),
        Query(f"sum by (application_name) (poolbench_backends_count{at})", "all"),
    )


def server() -> Queries:
    """How much of PostgreSQL's limit is taken, by all clients."""
    return (Query("max(poolbench_clients_count) / max(pg_settings_max_connections)", "backends ÷ max_connections"),)


def cpu(service: str) -> Queries:
    return (Query(_rate("process_cpu_seconds_total", _at(service)), "CPU"),)


def memory(service: str) -> Queries:
    return (Query(f"process_resident_memory_bytes{_at(service)}", "resident"),)


# --- any service, under the names of the semantic conventions


def any_connections() -> Queries:
    return (
        Query(f"sum({_in_state('used')})", "used"),
        Query(f"sum({_in_state('idle')})", "idle"),
        Query(f"sum(db_client_connection_idle_min{POOL})", "min"),
        Query(f"sum(db_client_connection_max{POOL})", "max"),
    )


def any_utilisation() -> Queries:
    return (Query(f"sum({_in_state('used')}) / sum(db_client_connection_max{POOL})", "used ÷ max"),)


def any_waiting() -> Queries:
    return (Query(f"sum(db_client_connection_pending_requests{POOL})", "waiting"),)


def any_mean_waiting() -> Queries:
    """L from the waits that ended: exact where as many begin as end."""
    return (Query(f"sum({_rate('db_client_connection_wait_time_seconds_sum', POOL)})", "waiting, mean"),)


def any_mean_used() -> Queries:
    return (
        Query(f"sum({_rate('db_client_connection_use_time_seconds_sum', POOL)})", "used, mean"),
        Query(f"sum(db_client_connection_max{POOL})", "max"),
    )


def any_outcomes() -> Queries:
    return (
        Query(f"sum({_rate('db_client_connection_wait_time_seconds_count', POOL)})", "asked"),
        *any_timeouts(),
    )


def any_timeouts() -> Queries:
    return (Query(f"sum({_rate('db_client_connection_timeouts_total', POOL)})", "timed out"),)


def any_connects() -> Queries:
    return (Query(f"sum({_rate('db_client_connection_create_time_seconds_count', POOL)})", "connects"),)


def any_wait() -> Queries:
    return _durations("db_client_connection_wait_time_seconds", POOL, POOL_NAME, exemplar=True)


def any_use() -> Queries:
    return _durations("db_client_connection_use_time_seconds", POOL, POOL_NAME)


def any_create() -> Queries:
    return _durations("db_client_connection_create_time_seconds", POOL, POOL_NAME)


# --- what they are made of


def _at(service: str) -> str:
    return f'{{service=~"{service}"}}'


def _api(service: str, **more: str) -> str:
    """The paths that take a connection: all under /api/ but the one that measures the framework alone."""
    also = "".join(f', {name}="{value}"' for name, value in more.items())
    return f'{{service=~"{service}", route=~"/api/.+", route!="/api/noop"{also}}}'


def _in_state(state: str) -> str:
    return f'db_client_connection_count{POOL[:-1]}, db_client_connection_state="{state}"}}'


def _rate(counter: str, at: str) -> str:
    return f"rate({counter}{at}[$__rate_interval])"


def _mean(histogram: str, at: str, by: str = "service") -> str:
    """Exact, and no point at all in a window without observations."""
    waited, ended = (_rate(f"{histogram}_{part}", at) for part in ("sum", "count"))
    return f"sum by ({by}) ({waited}) / (sum by ({by}) ({ended}) > 0)"


def _durations(histogram: str, at: str, by: str = "service", *, exemplar: bool = False) -> Queries:
    """Mean and quantiles. A comparison drops what is NaN: where nothing was observed, there is no point.

    One wait in a thousand that is long enough lifts the mean above the p99.
    """
    buckets = f"sum by (le, {by}) ({_rate(f'{histogram}_bucket', at)})"
    return (
        Query(_mean(histogram, at, by), "mean", may_top=True),
        Query(f"histogram_quantile(0.5, {buckets}) >= 0", "p50"),
        Query(f"histogram_quantile(0.95, {buckets}) >= 0", "p95"),
        Query(f"histogram_quantile(0.99, {buckets}) >= 0", "p99", exemplar),
    )
