"""What the k6 scripts say where a service is wrong, away or not there: never exit status 0."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bench.targets.process import free_port
from services.common.contract import refused_body
from tests.k6.running import BROKEN_THRESHOLDS, FAILED_SCRIPT, needs_k6, run

pytestmark = needs_k6

SHORT = {
    "pool-exhaustion.js": {"STAGE_S": 0.1, "DRAIN_S": 3},
    "concurrent-burst.js": {"BURST": 3, "WARM_S": 0.2, "DRAIN_S": 3},
}
DRY = refused_body("pool_exhausted", "all 5 connections were in use for 1 s", 1.0, 5, None)
AWAY = refused_body("database_unavailable", "no connection to PostgreSQL", 0.0, 5, None)


@contextmanager
def stub(status: int, body: Any, health: int = 200, acquire_timeout_s: float = 1.0) -> Iterator[str]:
    """A service that is well by its own account, and gives every query the same answer; None breaks off."""
    config = {"service": "stub", "pool_max_size": 5, "work_time_ms": 10, "pool_acquire_timeout": acquire_timeout_s}
    answers = {"/health": (health, {}), "/admin/config": (200, config), "/api/query": (status, body)}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = answers[self.path]
            if body is None:
                self.close_connection = True
                return
            payload = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


STRANGE = [
    (500, {"detail": {"error": "internal", "cause": "a bug"}}),
    (404, {"detail": {"error": "not_found"}}),
    (503, AWAY),
    (503, "<h1>a proxy's own page</h1>"),
    (200, "<h1>a welcome page</h1>"),
    (0, None),
]


@pytest.mark.parametrize(
    ("script", "status", "body"),
    [("pool-exhaustion.js", *STRANGE[0]), *(("concurrent-burst.js", *strange) for strange in STRANGE)],
)
def test_an_answer_that_is_neither_served_nor_told_no_fails_the_run(script: str, status: int, body: Any) -> None:
    with stub(status, body) as url:
        ended = run(script, BASE_URL=url, **SHORT[script])

    assert ended.status == BROKEN_THRESHOLDS, ended.text
    sent, served, timed_out, unexpected = ended.counts("sent", "served", "rejected", "unexpected")
    assert sent == unexpected > 0 == served == timed_out
    assert ended.table["latency p50, served (ms)"] == ["not served"]
    assert (str(status) if status else "EOF") in ended.text


@pytest.mark.parametrize("script", SHORT)
def test_nobody_served_because_the_pool_is_dry_is_no_failure(script: str) -> None:
    with stub(503, DRY) as url:
        ended = run(script, BASE_URL=url, **SHORT[script])

    assert ended.status == 0, ended.text
    sent, served, timed_out, unexpected = ended.counts("sent", "served", "rejected", "unexpected")
    assert sent == timed_out > 0 == served == unexpected


@pytest.mark.parametrize("script", SHORT)
def test_where_nobody_listens_it_says_where_and_sends_no_load(script: str) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    ended = run(script, BASE_URL=url, **SHORT[script])

    assert (ended.status, ended.table) == (FAILED_SCRIPT, {})
    assert f"{url}/health gives no answer" in ended.text


@pytest.mark.parametrize(
    ("service", "settings", "expected"),
    [
        ({"health": 404}, {}, "/health answers 404: start the services, or say where they are by BASE_URL"),
        ({"acquire_timeout_s": 30.0}, {}, "may take 30.01 s: say DRAIN_S=32"),
        ({}, {"DRAIN_S": "soon"}, "DRAIN_S must be a number from 0 up, not soon"),
        ({}, {"BASE_URL": "localhost:8000"}, "not a base URL: localhost:8000; write it as http://host:port"),
    ],
)
def test_what_cannot_be_played_is_said(service: Any, settings: dict[str, str], expected: str) -> None:
    with stub(503, DRY, **service) as url:
        ended = run("concurrent-burst.js", **{"BASE_URL": url} | settings)

    assert (ended.status, ended.table) == (FAILED_SCRIPT, {}), ended.text
    assert expected in ended.text
