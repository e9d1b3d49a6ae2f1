"""Bodies against shapes, expositions, and the HTTP client's reading of answers."""

import asyncio
import json
from typing import Any

import pytest

from bench.check import bodies
from bench.check.bodies import Maybe, OneOf, mismatch
from bench.check.client import Answer, Client, NoAnswer
from bench.check.exposition import Series, parse
from bench.check.shapes import problem_of, refusal_problem
from services.common import contract
from services.common.contract import PoolView, Timing
from services.common.openapi import DOCUMENT

TIMING = Timing(1.0, 2.0, 3.0)
SERVED = contract.served_body("s", TIMING, 7.0, PoolView(5, None, 0), contract.ROWS, None)
REFUSED = contract.refused_body("pool_exhausted", "all in use", 0.25, 5, None)


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        (contract.health_body("s"), bodies.HEALTH),
        (SERVED, bodies.SERVED),
        (SERVED | {"leaked": True}, bodies.LEAKED),
        (contract.served_body("s", Timing(nested_acquire_ms=1.5), 7, PoolView(5, 5, 0), 20, "ab"), bodies.NESTED),
        (SERVED | {"checkouts": 5, "longest_acquire_ms": 0.5}, bodies.SEVERAL),
        (REFUSED, bodies.REFUSED),
        (contract.refused_body("pool_growing", "x", 0.25, 5, "ab", stage="acquire"), bodies.REFUSED_NESTED),
        (contract.refused_body("pool_exhausted", "x", 0.25, 5, "ab", stage="checkout 20"), bodies.REFUSED_SEVERAL),
        (contract.error_body("invalid", "x"), bodies.ERROR),
    ],
)
def test_bodies_of_the_contract_have_their_shape(body: dict[str, Any], shape: Any) -> None:
    assert mismatch(body, shape) is None


@pytest.mark.parametrize(
    ("value", "shape", "named"),
    [
        ({"a": 1}, {"a": int, "b": int}, "the body has no b"),
        ({"a": 1, "b": 2}, {"a": int}, "the body has b, which the contract does not know"),
        ({"a": 1.0}, {"a": int}, "a is 1.0, not a whole number"),
        ({"a": True}, {"a": int}, "a is True, not a whole number"),
        ({"a": "1"}, {"a": float}, "a is '1', not a number"),
        ({"a": -1}, {"a": int}, "a is -1: no number here is negative"),
        ({"a": float("nan")}, {"a": float}, "a is nan: no number here is negative"),
        ({"a": None}, {"a": int}, "a is null, not a whole number"),
        ({"a": 5}, {"a": Maybe(str)}, "a is 5, not text"),
        ({"a": ""}, {"a": str}, "a is empty"),
        ({"a": 1}, {"a": OneOf((True,))}, "a is 1, not True"),
        ({"a": [{}]}, {"a": [{"b": int}]}, r"a\[0\] has no b"),
        ({"a": {}}, {"a": [int]}, "a is {}, not a list"),
        ({"a": 1}, {"a": {"b": int}}, "a is 1, not an object"),
        (None, {"a": int}, "the body is null, not an object"),
    ],
)
def test_what_is_wrong_is_named(value: Any, shape: Any, named: str) -> None:
    with pytest.raises(AssertionError, match=named):
        raise AssertionError(mismatch(value, shape))


def test_what_may_be_missing_or_null_may_be() -> None:
    shape = {"a": Maybe(int), "b?": int}

    assert mismatch({"a": None}, shape) is None
    assert mismatch({"a": 1, "b": 2}, shape) is None
    assert mismatch({"a": 1, "b": None}, shape) == "b is null, not a whole number"


def answer(status: int, body: dict[str, Any] | bytes, path: str = contract.QUERY, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else contract.encode(body)
    return Answer("GET", path, status, {"content-type": contract.JSON} | headers, content, 0.0, 1.0)


def test_answer_is_judged_by_status_type_and_body() -> None:
    assert problem_of(answer(200, SERVED), 200, bodies.SERVED) is None
    assert problem_of(answer(500, SERVED), 200, bodies.SERVED) == "GET /api/query → 500, not 200"
    html = Answer("GET", "/x", 200, {"content-type": "text/html"}, b"", 0, 1)
    assert problem_of(html, 200, bodies.SERVED) == "GET /x → 200: Content-Type is text/html, not application/json"
    assert problem_of(answer(200, b"{"), 200, bodies.SERVED) == "GET /api/query → 200: the body is null, not an object"


@pytest.mark.parametrize("after", ["0", "0.5", "-1", "soon", ""])
def test_retry_after_is_a_whole_number_from_one(after: str) -> None:
    assert refusal_problem(answer(503, REFUSED, **{"retry-after": "1"})) is None
    assert "not 1 or more" in str(refusal_problem(answer(503, REFUSED, **{"retry-after": after})))


@pytest.mark.parametrize("path", [contract.NESTED, contract.SEVERAL])
def test_refusal_of_one_acquire_of_several_names_its_stage(path: str) -> None:
    refused = answer(503, REFUSED, path, **{"retry-after": "1"})

    assert "has no stage" in str(refusal_problem(refused))


def test_server_timing_needs_all_four() -> None:
    whole = answer(200, SERVED, **{"server-timing": TIMING.header(7.0)})

    assert whole.server_timing() == {"acquire": 1.0, "work": 2.0, "release": 3.0, "app": 7.0}
    assert answer(200, SERVED, **{"server-timing": "app;dur=1"}).server_timing() is None
    assert answer(200, SERVED).server_timing() is None


def test_shapes_agree_with_the_document_that_the_services_serve() -> None:
    paths = json.loads(DOCUMENT)["paths"]

    def names(path: str, method: str, status: str) -> set[str]:
        schema = paths[path][method]["responses"][status]["content"][contract.JSON]["schema"]
        return set(schema["properties"])

    assert names(contract.STATS, "get", "200") == {name.rstrip("?") for name in bodies.STATS}
    assert names(contract.CONFIG, "get", "200") == set(bodies.CONFIG)
    assert names(contract.QUERY, "get", "200") == set(bodies.LEAKED) | set(bodies.SEVERAL)
    assert names(contract.RELEASE_LEAKS, "post", "200") == set(bodies.RELEASED)
    assert set(paths) == set(contract.METHODS)


def test_exposition_is_read() -> None:
    text = parse(
        "# HELP a_total Text.\n# TYPE a_total counter\n"
        'a_total{service="s",route="/x{y}"} 3.0 # {trace_id="ab"} 0.1 1.0\n'
        'a_total{service="s",route="with \\"quotes\\""} 4e0\n'
        "b 5\n# EOF\n"
    )

    assert text.series[0] == Series("a_total", {"service": "s", "route": "/x{y}"}, 3.0)
    assert text.total("a_total", service="s") == 7.0
    assert text.total("b") == 5.0
    assert text.of("a_total", service="other") == []
    assert text.total("missing") == 0


def test_line_that_is_no_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="not a sample: nonsense"):
        parse("nonsense\n")


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n3;x\r\n yo\r\n0\r\n\r\n", b"hi yo"),
        (b"HTTP/1.1 204 No\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", None),
        (b"HTTP/1.1 200 OK\r\n\r\nhi", None),
        (b"nonsense\r\n\r\n", None),
        (b"", None),
    ],
)
def test_client_reads_what_is_http_and_says_what_is_not(reply: bytes, outcome: bytes | None) -> None:
    async def exchange() -> bytes | None:
        async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(reply)
            writer.close()

        async with await asyncio.start_server(answer_once, "127.0.0.1", 0) as server:
            client = Client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
            try:
                return (await client.get("/x")).body
            except NoAnswer:
                return None
            finally:
                await client.close()

    assert asyncio.run(exchange()) == outcome
