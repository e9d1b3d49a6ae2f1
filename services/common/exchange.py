"""One request and its answer at the outermost layer of a service: server span, HTTP metrics and `Server-Timing`."""

from collections.abc import Mapping
from time import perf_counter
from types import TracebackType
from typing import Self

from services.common import contract
from services.common.contract import Timing
from services.common.metrics import Metrics
from services.common.tracing import Tracing, finish


class Exchange:
    """Made when a request arrives; handlers fill `timing`, `answer` closes it."""

    __slots__ = ("_began", "_method", "_metrics", "_route", "_span", "_status", "_tracing", "_under", "timing")

    def __init__(self, metrics: Metrics, tracing: Tracing, method: str, path: str) -> None:
        self._began = perf_counter()
        self._method = method
        self._route = path if path in contract.METHODS else None
        self._metrics = metrics
        self._tracing = tracing
        self._status = 500
        self.timing = Timing()

    def traced(self, headers: Mapping[str, str]) -> Self:
        """The same, to be entered: with a server span under the caller's. Only where tracing is on."""
        self._under = self._tracing.server_span(self._method, self._route, headers)
        return self

    def __enter__(self) -> Self:
        self._span = self._under.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        finish(self._span, self._status)
        self._under.__exit__(kind, error, where)

    def begin(self) -> None:
        """Counts its time from now: it had to wait for a thread first, which is the server's queue."""
        self._began = perf_counter()

    @property
    def total_ms(self) -> float:
        """Milliseconds since the request reached the service's own code."""
        return (perf_counter() - self._began) * 1000

    def answer(self, status: int) -> str:
        """The answer's head is about to leave; returns its `Server-Timing` value."""
        total_ms = self.total_ms
        self._status = status
        self._metrics.answered(self._method, self._route, status, total_ms / 1000)
        return self.timing.header(total_ms)
