"""The Prometheus instruments that all services share, and their text.

Each fact stands under the lab's name and again under the semantic conventions' (`db_client_connection_*`).
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

from services.common import contract, instruments
from services.common.instruments import BUCKETS, Instrument
from services.common.ledger import Totals

# When a series was made is no answer to any question here, and would make the text half as long again.
disable_created_metrics()

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
OTHER: Final = "_OTHER"
"""The semantic conventions' word for a method that anybody may make up: each would be series of its own for good."""
READ_ATTEMPTS: Final = 100
COUNTED: Final = frozenset(field.name for field in fields(Totals))
"""The facts that the service counts, by the name of each in `/pool/stats`; the others are configured or said."""
Exemplar = dict[str, str] | None


@dataclass(frozen=True, slots=True)
class PoolStats:
    """A pool at one moment: configured, said by the library, and counted by the service.

    A fact has the name that it has in `/pool/stats`.
    """

    pool_min_size: int
    pool_max_size: int
    pool_size: int | None
    pool_free_size: int | None
    counted: Totals
    draining: tuple[dict[str, int], ...] = ()

    def body(self, service: str, workers: int, work_time_ms: int, acquire_timeout: float) -> dict[str, Any]:
        """`GET /pool/stats`."""
        body: dict[str, Any] = {
            "service": service,
            "worker_pid": os.getpid(),
            "workers": workers,
            "pool_min_size": self.pool_min_size,
            "pool_max_size": self.pool_max_size,
            "pool_size": self.pool_size,
            "pool_free_size": self.pool_free_size,
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
        self._gauges = {name: self._gauge(one) for name, one in instruments.GAUGES.items()}
        self._counters = {name: self._counter(one) for name, one in instruments.COUNTERS.items()}
        self._acquire, self._hold, self._connect = map(self._histogram, instruments.HISTOGRAMS)
        labels = instruments.HTTP_LABELS
        self._http = Counter(*instruments.REQUESTS, labels, registry=self._registry)
        self._http_duration = Histogram(*instruments.REQUEST, labels, registry=self._registry, buckets=BUCKETS)
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
        self._connect.observe(seconds)

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
            for name, gauge in self._gauges.items():
                value = getattr(counted if name in COUNTED else stats, name)
                if value is not None:
                    gauge.set(value)
            for name, counter in self._counters.items():
                total = getattr(counted, name)
                if (more := total - self._seen.get(name, 0)) > 0:
                    counter.inc(more)
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

    def _gauge(self, one: Instrument) -> Gauge:
        gauge = Gauge(*one, instruments.LABELS, registry=self._registry, multiprocess_mode="livesum")
        return gauge.labels(self.service)

    def _counter(self, one: Instrument) -> Counter:
        return Counter(*one, instruments.LABELS, registry=self._registry).labels(self.service)

    def _histogram(self, one: Instrument) -> Histogram:
        metric = Histogram(*one, instruments.LABELS, registry=self._registry, buckets=BUCKETS)
        return metric.labels(self.service)

    def _request(self, method: str, route: str, status: int) -> Callable[[float], None]:
        labels = (self.service, method, route, str(status))
        count, duration = self._http.labels(*labels), self._http_duration.labels(*labels)

        def observe(seconds: float) -> None:
            count.inc()
            duration.observe(seconds)

        self._requests[(method, route, status)] = observe
        return observe


class _Conventional(Collector):
    """Every metric of `source`, and those that the conventions name once more under that name.

    One observation serves both names, so the second costs nothing but text.
    """

    def __init__(self, source: Collector, service: str) -> None:
        self._source = source
        self._pool = {instruments.POOL_NAME: service}

    def collect(self) -> Iterable[Metric]:
        twins: dict[str, Metric] = {}
        for metric in self._source.collect():
            yield metric
            for ours, name, extra in instruments.CONVENTIONAL:
                if metric.name == ours:
                    twin = twins.setdefault(name, Metric(name, metric.documentation, metric.type))
                    state = {f"db_client_connection_{key}": value for key, value in extra.items()}
                    twin.samples += [self._renamed(sample, ours, name, state) for sample in metric.samples]
        yield from twins.values()

    def _renamed(self, sample: Sample, old: str, new: str, extra: dict[str, str]) -> Sample:
        labels = {key: value for key, value in sample.labels.items() if key != "service"} | self._pool | extra
        return sample._replace(name=new + sample.name.removeprefix(old), labels=labels)
