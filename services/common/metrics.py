"""The Prometheus instruments that the three services share, and their text.

In: durations as they happen, and the pool's counts when somebody looks. Out: Prometheus or OpenMetrics
text, each fact under the lab's name and again under the semantic conventions' (`db_client_connection_*`).
"""

import os
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from time import sleep
from typing import Any, Final

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from services.common import contract
from services.common.ledger import Totals

BUCKETS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.0105, 0.0255, 0.0525, 0.075, 0.105, 0.155, 0.21, 0.31, 0.525, 0.75,
    1.05, 1.55, 2.1, 3.1, 5.25, 7.5, 10.5, 15.5, 31.0, 61.0,
)  # fmt: skip
"""Seconds, from one round trip on loopback to the longest patience; the SDK's defaults put every wait in one.

Most lie just above a round time: a hold of 100 ms lasts 100.3, and would else be told as anything up to the next bound.
"""

# When a series was made is no answer to any question here, and would make the text half as long again.
disable_created_metrics()

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
OTHER: Final = "_OTHER"
"""The semantic conventions' word for a method that anybody may make up: each would be series of its own for good."""
READ_ATTEMPTS: Final = 100
Exemplar = dict[str, str] | None


@dataclass(frozen=True, slots=True)
class PoolStats:
    """A pool at one moment: configured, said by the library, and counted by the service."""

    min_size: int
    max_size: int
    size: int | None
    free: int | None
    counted: Totals
    draining: tuple[dict[str, int], ...] = ()

    def body(self, service: str, workers: int, work_time_ms: int, acquire_timeout: float) -> dict[str, Any]:
        """`GET /pool/stats`."""
        body: dict[str, Any] = {
            "service": service,
            "worker_pid": os.getpid(),
            "workers": workers,
            "pool_min_size": self.min_size,
            "pool_max_size": self.max_size,
            "pool_size": self.size,
            "pool_free_size": self.free,
            "work_time_ms": work_time_ms,
            "acquire_timeout": acquire_timeout,
        }
        body |= {field.name: getattr(self.counted, field.name) for field in fields(Totals)}
        if self.draining:
            body["draining"] = list(self.draining)
        return body


class Metrics:
    """One service's instruments. `several` workers share files, and then gauges are set on each change."""

    def __init__(self, service: str, *, several: bool = False) -> None:
        self.service = service
        self.several = several
        self._registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}
        self._requests: dict[tuple[str, str, int], Callable[[float], None]] = {}
        gauge = self._gauge
        self._gauges = {
            "max": gauge("db_pool_max_size", "Connections that the pool may have."),
            "min": gauge("db_pool_min_size", "Connections that the pool keeps."),
            "size": gauge("db_pool_size", "Connections that the library believes exist."),
            "free": gauge("db_pool_free_size", "Connections that the library calls idle."),
            "used": gauge("db_pool_used_size", "Connections handed to a handler and not given back."),
            "waiting": gauge("db_pool_waiting_requests", "Handlers inside acquire."),
            "connecting": gauge("db_pool_connecting", "Connects to PostgreSQL under way."),
        }
        counter = self._counter
        self._counters = {
            "timed_out_total": counter("db_pool_exhaustion", "Acquires that timed out."),
            "acquired_total": counter("db_pool_acquired", "Acquires that got a connection."),
            "released_total": counter("db_pool_released", "Connections given back."),
            "failed_total": counter("db_pool_acquire_failed", "Acquires that failed or were cancelled."),
            "leaked_total": counter("db_pool_leaked", "Connections that a handler did not give back."),
            "abandoned_total": counter("db_pool_abandoned", "Connections that an old pool lost when it was closed."),
            "waiter_seconds_total": counter("db_pool_waiter_seconds", "Integral of the waiting handlers over time."),
            "used_seconds_total": counter("db_pool_used_seconds", "Integral of the used connections over time."),
        }
        histogram = self._histogram
        self._acquire = histogram("db_pool_acquire_seconds", "From asking to having, or giving up.")
        self._hold = histogram("db_query_duration_seconds", "How long a connection was held.")
        self._create = histogram("db_pool_connect_seconds", "One connect to PostgreSQL, failed or not.")
        labels = ("service", "method", "route", "status")
        self._http = Counter("http_requests", "Answers.", labels, registry=self._registry)
        self._http_duration = Histogram(
            "http_request_duration_seconds", "From the framework to the answer's head, failures included.",
            labels, registry=self._registry, buckets=BUCKETS,
        )  # fmt: skip
        for path, methods in contract.METHODS.items():
            for method in methods:
                self._request(method, path, 200)
            if path.startswith("/api/") and path != contract.NOOP:
                self._request("GET", path, 503)

    def acquired(self, seconds: float, exemplar: Exemplar = None) -> None:
        """One acquire has ended, with a connection or without."""
        self._acquire.observe(seconds, None if self.several else exemplar)

    def held(self, seconds: float) -> None:
        self._hold.observe(seconds)

    def connected(self, seconds: float) -> None:
        self._create.observe(seconds)

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """One answer has left; an unknown path counts as route `unmatched`."""
        method = method if method in METHODS else OTHER
        known = self._requests.get((method, route or "unmatched", status))
        (known or self._request(method, route or "unmatched", status))(seconds)

    def refresh(self, snapshot: Callable[[], PoolStats]) -> None:
        """Sets the gauges, and moves the counters on to what the service has counted.

        The snapshot is taken inside: two threads that refresh at once must not put the counters back.
        """
        with self._lock:
            stats = snapshot()
            counted = stats.counted
            for name, value in (
                ("max", stats.max_size),
                ("min", stats.min_size),
                ("size", stats.size),
                ("free", stats.free),
                ("used", counted.pool_used_size),
                ("waiting", counted.waiting_requests),
                ("connecting", counted.pool_connecting),
            ):
                if value is not None:
                    self._gauges[name].set(value)
            for name, counter in self._counters.items():
                total = getattr(counted, name)
                counter.inc(max(0.0, total - self._seen.get(name, 0)))
                self._seen[name] = total

    def text(self, accept: str | None) -> tuple[bytes, str]:
        """The exposition and its content type: OpenMetrics where `accept` asks for it."""
        source: Collector = MultiProcessCollector(None) if self.several else self._registry
        registry = CollectorRegistry()
        registry.register(_Conventional(source, self.service))
        for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            registry.register(collector)
        encoder, content_type = choose_encoder(accept or "")
        for _ in range(READ_ATTEMPTS):
            try:
                return encoder(registry), content_type
            except struct.error:  # a worker that starts just now has made its file, and not yet filled it
                sleep(0.01)
        return encoder(registry), content_type

    def _gauge(self, name: str, text: str) -> Gauge:
        gauge = Gauge(name, text, ("service",), registry=self._registry, multiprocess_mode="livesum")
        return gauge.labels(self.service)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(name, text, ("service",), registry=self._registry).labels(self.service)

    def _histogram(self, name: str, text: str) -> Histogram:
        metric = Histogram(name, text, ("service",), registry=self._registry, buckets=BUCKETS)
        return metric.labels(self.service)

    def _request(self, method: str, route: str, status: int) -> Callable[[float], None]:
        labels = (self.service, method, route, str(status))
        count, duration = self._http.labels(*labels), self._http_duration.labels(*labels)

        def observe(seconds: float) -> None:
            count.inc()
            duration.observe(seconds)

        self._requests[(method, route, status)] = observe
        return observe


CONVENTIONAL: Final[tuple[tuple[str, str, dict[str, str]], ...]] = (
    ("db_pool_used_size", "db_client_connection_count", {"state": "used"}),
    ("db_pool_free_size", "db_client_connection_count", {"state": "idle"}),
    ("db_pool_max_size", "db_client_connection_max", {}),
    ("db_pool_max_size", "db_client_connection_idle_max", {}),  # no library has a limit of its own for idle ones
    ("db_pool_min_size", "db_client_connection_idle_min", {}),
    ("db_pool_waiting_requests", "db_client_connection_pending_requests", {}),
    ("db_pool_exhaustion", "db_client_connection_timeouts", {}),
    ("db_pool_connect_seconds", "db_client_connection_create_time_seconds", {}),
    ("db_pool_acquire_seconds", "db_client_connection_wait_time_seconds", {}),
    ("db_query_duration_seconds", "db_client_connection_use_time_seconds", {}),
)
"""Ours, the semantic conventions' (db.client.connection.*, development status), and its extra labels."""


class _Conventional(Collector):
    """Every metric of `source`, and those that the conventions name once more under that name.

    One observation serves both names, so the second costs nothing but text.
    """

    def __init__(self, source: Collector, service: str) -> None:
        self._source = source
        self._pool = {"db_client_connection_pool_name": service}

    def collect(self) -> Iterable[Metric]:
        twins: dict[str, Metric] = {}
        for metric in self._source.collect():
            yield metric
            for ours, name, extra in CONVENTIONAL:
                if metric.name == ours:
                    twin = twins.setdefault(name, Metric(name, metric.documentation, metric.type))
                    state = {f"db_client_connection_{key}": value for key, value in extra.items()}
                    twin.samples += [self._renamed(sample, ours, name, state) for sample in metric.samples]
        yield from twins.values()

    def _renamed(self, sample: Sample, old: str, new: str, extra: dict[str, str]) -> Sample:
        labels = {key: value for key, value in sample.labels.items() if key != "service"} | self._pool | extra
        return sample._replace(name=new + sample.name.removeprefix(old), labels=labels)
