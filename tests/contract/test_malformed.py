"""What no honest client sends, over raw sockets: refused in the contract's terms, never applied, and not for long."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from bench.postgres.database import Database
from bench.targets.http import Client
from bench.targets.process import LocalService
from services.common import contract
from services.common.models import Error
from services.stacks import STACKS
from tests.contract.asking import ask, configure

THREADS = 3
PATCH = b'{"work_time_ms": 77}'
CHUNK = b"%x\r\n%s\r\n" % (len(PATCH), PATCH)
POST = f"POST {contract.CONFIG} HTTP/1.1\r\nHost: localhost\r\n".encode()
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
HEALTH = f"GET {contract.HEALTH} HTTP/1.1\r\nHost: localhost\r\n".encode()


@pytest.fixture(scope="module", params=tuple({stack.front: name for name, stack in STACKS.items()}.values()))
def service(request: pytest.FixtureRequest, database: Database) -> Iterator[LocalService]:
    with LocalService(request.param, database, {"work_time_ms": 5, "threads": THREADS}) as service:
        yield service


def open_to(service: LocalService, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=60)
    connection.sendall(sent)
    return connection


def told(service: LocalService, sent: bytes, *, whole: bool = False) -> bytes:
    """All that comes until the server closes; `whole` says to it that no more is sent."""
    with open_to(service, sent) as connection:
        if whole:
            connection.shutdown(socket.SHUT_WR)
        return heard(connection)


def heard(connection: socket.socket) -> bytes:
    """What comes until the connection is closed, by FIN or, where the server has not read all, by RST."""
    answer = b""
    try:
        while more := connection.recv(65536):
            answer += more
    except ConnectionResetError:
        pass
    return answer


def refusal(answer: bytes) -> int:
    """The status of an answer that has the contract's error for a body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head.lower(), answer
    Error.model_validate(json.loads(body))
    return int(head.split()[1])


def log(service: LocalService) -> str:
    """All that the process has printed."""
    assert service._log is not None
    return os.pread(service._log.fileno(), 10**7, 0).decode()


def work_time_ms(service: LocalService) -> int:
    found: int = ask(service, contract.CONFIG).body["work_time_ms"]
    return found


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n" + PATCH + b"\r\n0\r\n\r\n",
        b"-14\r\n" + PATCH + b"\r\n0\r\n\r\n",
        b"3\r\n" + PATCH + b"\r\n0\r\n\r\n",
        b"\r\n" + PATCH,
    ],
    ids=["no size", "negative size", "longer than its size", "no size at all"],
)
def test_chunks_that_are_none_are_400(service: LocalService, body: bytes) -> None:
    assert refusal(told(service, CHUNKED + body)) == 400
    assert work_time_ms(service) == 5
    assert "Traceback" not in log(service)


@pytest.mark.parametrize(
    "sent",
    [
        POST + b"Content-Length: %d\r\n\r\n" % (len(PATCH) + 1) + PATCH,
        POST + b"Content-Length: 99999999\r\n\r\n" + PATCH,
        CHUNKED + CHUNK,
        CHUNKED + CHUNK + b"0\r\n",
    ],
    ids=["a byte short", "far too short", "no last chunk", "half a last chunk"],
)
def test_body_that_is_shorter_than_said_is_not_applied(service: LocalService, sent: bytes) -> None:
    answer = told(service, sent, whole=True)

    assert not answer or refusal(answer) == 400
    assert work_time_ms(service) == 5
    assert "Traceback" not in log(service)


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        HEALTH + b"X-A: a\x00b\r\n\r\n",
        HEALTH + b"no colon\r\n\r\n",
        POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        POST + b"Content-Length: -1\r\n\r\n{}",
        POST + b"Transfer-Encoding: nonsense\r\n\r\n{}",
        POST + b"Content-Length: 20\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK + b"0\r\n\r\n",
    ],
    ids=[
        "no HTTP",
        "version",
        "long line",
        "NUL",
        "no colon",
        "two lengths",
        "negative length",
        "unknown coding",
        "length and chunks",
    ],
)
def test_malformed_request_has_the_contract_s_error(service: LocalService, sent: bytes) -> None:
    assert 400 <= refusal(told(service, sent)) < 500
    assert work_time_ms(service) == 5


@pytest.mark.parametrize("target", [b"CONNECT localhost:80", b"OPTIONS *"])
def test_a_path_without_a_slash_is_no_path(service: LocalService, target: bytes) -> None:
    sent = target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    assert 400 <= refusal(told(service, sent)) < 500


def test_a_content_type_that_is_none_is_no_matter(service: LocalService) -> None:
    strange = b"Connection: close\r\nContent-Type: text/plain; a*=nonsense''b\r\n"

    applied = told(service, POST + strange + b"Content-Length: %d\r\n\r\n" % len(PATCH) + PATCH)

    assert applied.startswith(b"HTTP/1.1 200 ")
    assert work_time_ms(service) == 77
    configure(service, work_time_ms=5)


def test_a_client_that_asks_before_it_sends_its_body_is_told_to_go_on(service: LocalService) -> None:
    head = POST + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(PATCH)
    with open_to(service, head) as connection:
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(PATCH)
        assert heard(connection).startswith(b"HTTP/1.1 200 ")
    assert work_time_ms(service) == 77
    configure(service, work_time_ms=5)


def test_a_body_in_pieces_is_applied(service: LocalService) -> None:
    with open_to(service, CHUNKED) as connection:
        for at in range(len(CHUNK)):
            connection.sendall(CHUNK[at : at + 1])
        assert work_time_ms(service) == 5
        connection.sendall(b"0\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert work_time_ms(service) == 77
    configure(service, work_time_ms=5)


def test_half_sent_requests_keep_no_other_from_its_answer_and_are_closed(service: LocalService) -> None:
    halves = (HEALTH, HEALTH[:9], POST + b"Content-Length: 20\r\n\r\n{", CHUNKED + b"5\r\n{")
    with ExitStack() as opened:
        silent = [opened.enter_context(open_to(service)) for _ in range(THREADS)]
        half_sent = [opened.enter_context(open_to(service, half)) for half in halves for _ in range(THREADS)]
        with Client(service.base_url, timeout_s=contract.ARRIVE_S / 2) as client:
            client.get(contract.HEALTH)

        assert [heard(one) for one in half_sent] == [b""] * len(half_sent)
        for one in silent:
            one.sendall(HEALTH + b"\r\n")
            assert one.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert work_time_ms(service) == 5


def test_clients_that_do_not_close_after_their_answer_keep_no_other_from_its_own(service: LocalService) -> None:
    """gunicorn's own way waits for each of them in turn, up to 2 s."""
    with ExitStack() as opened:
        for sent in (HEALTH.replace(b"1.1", b"1.0") + b"\r\n", b"nonsense\r\n\r\n"):
            for _ in range(20):
                client = opened.enter_context(open_to(service, sent))
                assert client.recv(1000).startswith(b"HTTP/1.")
        with Client(service.base_url, timeout_s=5) as other:
            other.get(contract.HEALTH)


def test_a_client_that_half_closes_is_answered(service: LocalService) -> None:
    assert told(service, HEALTH + b"\r\n", whole=True).startswith(b"HTTP/1.1 200 ")


def test_a_page_of_another_site_may_change_nothing(service: LocalService) -> None:
    length = b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(PATCH)
    own = f"Origin: http://localhost:{service.port}\r\n".encode()
    host = f"POST {contract.CONFIG} HTTP/1.1\r\nHost: localhost:{service.port}\r\n".encode()
    for header in (
        b"Origin: http://elsewhere.example\r\n",
        b"Origin: null\r\n",
        b"Sec-Fetch-Site: cross-site\r\n" + own,
    ):
        assert refusal(told(service, host + header + length + PATCH)) == 403
        assert work_time_ms(service) == 5
    for header in (b"", own, b"Sec-Fetch-Site: same-origin\r\n" + own):
        assert told(service, host + header + length + PATCH).startswith(b"HTTP/1.1 200 ")
        assert work_time_ms(service) == 77
        configure(service, work_time_ms=5)


def test_no_path_that_changes_something_takes_a_foreign_origin(service: LocalService) -> None:
    for path in (path for path, methods in contract.METHODS.items() if "POST" in methods):
        foreign = (
            b"Host: localhost\r\nOrigin: http://elsewhere.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
        assert refusal(told(service, f"POST {path} HTTP/1.1\r\n".encode() + foreign)) == 403
