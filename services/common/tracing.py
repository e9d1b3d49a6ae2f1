"""OpenTelemetry: one server span with two children per request; nothing at all without an endpoint.

The standard OTEL_* variables say where spans go, in batches that never hold up a request. The spans are this project's
own, so that they have one shape in all services: no instrumentation library gives a span for the acquire.
"""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Final

from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Tracing:
    """The tracer of one service. Where `on` is False, callers make no spans: even the empty ones cost 3 %."""

    def __init__(self, service: str) -> None:
        self.on = exported(os.environ)
        if self.on:
            _configure(service)
        self._tracer = trace.get_tracer("poolbench")

    def server_span(self, method: str, route: str | None, headers: Mapping[str, str]) -> AbstractContextManager[Span]:
        """The span of one request, child of the caller's where the headers carry a context."""
        attributes = {"http.request.method": method} | ({"http.route": route} if route else {})
        return self._tracer.start_as_current_span(
            f"{method} {route}" if route else method,
            context=propagate.extract(headers),
            kind=SpanKind.SERVER,
            attributes=attributes,
        )

    def span(self, name: str, attributes: Mapping[str, str | int]) -> AbstractContextManager[Span]:
        """A child of the current span; an exception inside marks it as failed."""
        return self._tracer.start_as_current_span(name, attributes=attributes)

    def note(self, name: str, value: str | float) -> None:
        """One attribute more on the current span."""
        trace.get_current_span().set_attribute(name, value)

    def trace_id(self) -> str | None:
        """The current trace in 32 hex digits; None where its spans are not exported and cannot be found.

        Whether they are is the sampler's decision (OTEL_TRACES_SAMPLER). Those named `parentbased_…` leave it to the
        caller where there is a `traceparent`; the others do not ask it, and then this service is not in its trace.
        """
        if not self.on:
            return None
        context = trace.get_current_span().get_span_context()
        return trace.format_trace_id(context.trace_id) if context.trace_flags.sampled else None


def exported(environment: Mapping[str, str]) -> bool:
    """Whether spans would reach anybody: there is an endpoint, and neither exporter nor SDK is switched off."""
    switched_off = (
        environment.get("OTEL_TRACES_EXPORTER", "").strip() == "none"
        or environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    )
    return not switched_off and any(environment.get(name) for name in ENDPOINTS)


def finish(span: Span, status: int) -> None:
    """The status of a server span; a 5xx is an error, as the conventions have it."""
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))


def _configure(service: str) -> None:
    os.environ.setdefault("OTEL_SERVICE_NAME", service)
    os.environ.setdefault("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    os.environ.setdefault("OTEL_METRICS_EXPORTER", "none")
    os.environ.setdefault("OTEL_LOGS_EXPORTER", "none")
    # Imported late: the SDK and its exporter take 0.3 s and 20 MB that an untraced service does not pay.
    from opentelemetry.distro import OpenTelemetryConfigurator, OpenTelemetryDistro

    OpenTelemetryDistro().configure()
    OpenTelemetryConfigurator().configure()
