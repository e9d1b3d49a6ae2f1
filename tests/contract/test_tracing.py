"""The spans of a service under each front, as an OTLP collector gets them: no pool has a part in them."""

import contextlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from bench.targets.http import Client
from bench.targets.process import free_port
from services.common import contract
from services.stacks import STACKS
from tests.conftest import StartService
from tests.waiting import until

OF_EACH_FRONT = {stack.front: name for name, stack in STACKS.items()}
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@pytest.fixture(params=tuple(OF_EACH_FRONT.values()), ids=tuple(OF_EACH_FRONT))
def name(request: pytest.FixtureRequest) -> str:
    """One stack of each front."""
    service: str = request.param
    return service


class Collector(ThreadingHTTPServer):
    """Keeps every span that is sent to it."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    import gzip

                    body = gzip.decompress(body)
                request = ExportTraceServiceRequest.FromString(body)
                for resource in request.resource_spans:
                    for scope in resource.scope_spans:
                        outer.spans.extend(scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    def trace(self, trace_id: str) -> dict[str, Span]:
        return {span.name: span for span in self.spans if span.trace_id.hex() == trace_id}


class Silence:
    """A listener that takes what it is sent, and never answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._taken: list[socket.socket] = []
        self._asked: set[socket.socket] = set()
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._take, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # ends the wait in `accept`
        for each in (self._listener, *self._taken):
            each.close()

    def _take(self) -> None:
        with contextlib.suppress(OSError):  # closed: the test is over
            while True:
                self._taken.append(self._listener.accept()[0])

    def unanswered(self) -> int:
        """How many have asked and still wait for an answer."""
        return sum(self._is_open(each) and each in self._asked for each in list(self._taken))

    def _is_open(self, taken: socket.socket) -> bool:
        try:
            while taken.recv(65_536, socket.MSG_DONTWAIT):
                self._asked.add(taken)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        yield collector
        collector.shutdown()


def environment(port: int) -> dict[str, Any]:
    return {"otel_exporter_otlp_endpoint": f"http://127.0.0.1:{port}", "otel_bsp_schedule_delay": 50}


def attributes(span: Span) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in span.attributes}


def test_a_request_is_a_server_span_with_two_children_in_its_caller_s_trace(
    start: StartService, collector: Collector, name: str
) -> None:
    service = start(work_time_ms=10, **environment(collector.server_address[1]))
    with Client(service.base_url) as client:
        body = client.get(contract.QUERY)
        spans = until(lambda: len(found := collector.trace(body["trace_id"])) == 3 and found, "three spans")
        client._connection.request("GET", contract.QUERY, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
        client._connection.getresponse().read()
        called: Span = until(lambda: collector.trace(TRACE).get("GET /api/query"), "the span with a caller")

    assert called.parent_span_id.hex() == PARENT
    server = spans["GET /api/query"]
    assert server.parent_span_id == b""
    assert server.kind == Span.SPAN_KIND_SERVER
    assert attributes(server) == {
        "http.request.method": "GET",
        "http.route": "/api/query",
        "http.response.status_code": 200,
    }
    for child in ("acquire_connection", "database_work"):
        assert spans[child].parent_span_id == server.span_id
        assert (
            attributes(spans[child]).items()
            >= {
                "db.system.name": "postgresql",
                "db.client.connection.pool.name": name,
            }.items()
        )


def test_a_timeout_is_an_error_and_an_exemplar(start: StartService, collector: Collector) -> None:
    settings = {"pool_min_size": 1, "pool_max_size": 1, "pool_acquire_timeout": 0.05}
    service = start(**settings, **environment(collector.server_address[1]))
    with Client(service.base_url) as client:
        client.get(f"{contract.QUERY_LEAK}?how=kept")
        status, _ = client.exchange("GET", contract.QUERY)
        failed = until(
            lambda: [
                span
                for span in collector.spans
                if span.name == "acquire_connection" and span.status.code == span.status.STATUS_CODE_ERROR
            ],
            "a failed acquire",
        )[0]
        client._connection.request("GET", contract.METRICS, headers={"Accept": "application/openmetrics-text"})
        text = client._connection.getresponse().read().decode()

    assert status == 503
    assert attributes(failed)["poolbench.waited_seconds"] >= 0.05
    assert f'trace_id="{failed.trace_id.hex()}"' in text
    server: Span = until(lambda: collector.trace(failed.trace_id.hex()).get("GET /api/query"), "the server span")
    assert server.status.code == server.status.STATUS_CODE_ERROR
    assert "database_work" not in collector.trace(failed.trace_id.hex())


def test_a_collector_that_is_away_breaks_nothing(start: StartService) -> None:
    service = start(work_time_ms=1, **environment(free_port()))
    with Client(service.base_url) as client:
        assert [client.get(contract.QUERY)["status"] for _ in range(20)] == ["ok"] * 20


def test_a_collector_that_never_answers_holds_up_neither_a_request_nor_the_end(start: StartService) -> None:
    with Silence() as silence:
        service = start(work_time_ms=1, otel_exporter_otlp_timeout=60, **environment(silence.port))
        with Client(service.base_url) as client:
            until(lambda: client.get(contract.QUERY)["status"] == "ok" and silence.unanswered(), "an export that hangs")
            asked = [client.get(contract.QUERY)["status"] for _ in range(20)]
            hanging = silence.unanswered()
            asked += [client.get(contract.QUERY)["status"] for _ in range(20)]

        assert asked == ["ok"] * 40
        assert hanging
        assert silence.unanswered(), "no export hung any more: nothing was shown"
        assert service.stop() in (0, -15)  # a service that takes long is killed: -9


@pytest.mark.parametrize(
    "sampler", [("always_off", ""), ("traceidratio", "0"), ("parentbased_traceidratio", "0")], ids=lambda one: one[0]
)
def test_what_is_not_sampled_is_served_and_promises_no_trace(
    start: StartService, collector: Collector, sampler: tuple[str, str]
) -> None:
    settings = {"pool_min_size": 1, "pool_max_size": 1, "pool_acquire_timeout": 0.05, "work_time_ms": 1}
    sampling = {"otel_traces_sampler": sampler[0], "otel_traces_sampler_arg": sampler[1]}
    service = start(**settings, **sampling, **environment(collector.server_address[1]))
    with Client(service.base_url) as client:
        served = client.get(contract.QUERY)
        client._connection.request("GET", contract.QUERY, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
        called = json.load(client._connection.getresponse())
        client.get(f"{contract.QUERY_LEAK}?how=kept")
        status, refused = client.exchange("GET", contract.QUERY)
        client._connection.request("GET", contract.METRICS, headers={"Accept": "application/openmetrics-text"})
        text = client._connection.getresponse().read().decode()
    service.stop()  # what it still had to export has arrived

    heeded = sampler[0].startswith("parentbased")  # the caller sampled, and its decision is the sampler's
    assert served["trace_id"] is None
    assert called["trace_id"] == (TRACE if heeded else None)
    assert (status, json.loads(refused)["detail"]["trace_id"]) == (503, None)
    assert {span.trace_id.hex() for span in collector.spans} == ({TRACE} if heeded else set())
    assert set(re.findall(r'trace_id="(\w+)"', text)) == ({TRACE} if heeded else set())


@pytest.mark.parametrize("off", [{"otel_traces_exporter": "none"}, {"otel_sdk_disabled": "true"}], ids=str)
def test_what_is_switched_off_promises_no_trace(start: StartService, collector: Collector, off: dict[str, str]) -> None:
    service = start(work_time_ms=1, **off, **environment(collector.server_address[1]))
    with Client(service.base_url) as client:
        assert client.get(contract.QUERY)["trace_id"] is None
    service.stop()

    assert collector.spans == []


def test_without_an_endpoint_nothing_is_traced(start: StartService) -> None:
    with Client(start(work_time_ms=1).base_url) as client:
        assert client.get(contract.QUERY)["trace_id"] is None
