"""Bodies against the contract's models, expositions, and the HTTP client's reading of answers."""

import asyncio
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from bench.check.bodies import mismatch
from bench.check.client import Answer, Client, NoAnswer
from bench.check.exposition import Series, parse
from bench.check.shapes import problem_of, refusal_problem
from services.common import contract, models
from services.common.contract import PoolView, Timing
from services.common.encoding import encode
from services.common.models import Body, Count, Number, OneOf, Text

TIMING = Timing(1.0, 2.0, 3.0)
SERVED = contract.served_body("s", TIMING, 7.0, PoolView(5, None, 0), contract.ROWS, None)
REFUSED = contract.refused_body("pool_exhausted", "all in use", 0.25, 5, None)


class Inner(Body):
    b: Count


class Outer(Body):
    """Every kind of field that the contract has, and each of them in order."""

    count: Count = 1
    number: Number = 1.0
    text: Text = "x"
    maybe: Text | None = None
    flag: bool = True
    kind: Literal["sleep", "cpu", "lock"] = "sleep"
    rows: Annotated[int, OneOf((20,))] = 20
    leaked: Annotated[bool, OneOf((True,))] = True
    most: Annotated[int, Field(ge=1, le=64)] = 1
    inner: Inner = Inner(b=1)
    inners: list[Inner] = Field(default_factory=list)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"count": 1.0}, "count is 1.0, not a whole number"),
        ({"count": True}, "count is True, not a whole number"),
        ({"count": None}, "count is null, not a whole number"),
        ({"count": -1}, "count is -1: no number here is negative"),
        ({"number": "1"}, "number is '1', not a number"),
        ({"number": True}, "number is True, not a number"),
        ({"number": -0.5}, "number is -0.5: no number here is negative"),
        ({"number": float("nan")}, "number is nan, not a finite number"),
        ({"number": float("inf")}, "number is inf, not a finite number"),
        ({"text": ""}, "text is empty"),
        ({"text": None}, "text is null, not text"),
        ({"text": "x", "maybe": 5}, "maybe is 5, not text"),
        ({"maybe": ""}, "maybe is empty"),
        ({"flag": 1}, "flag is 1, not true or false"),
        ({"kind": "nap"}, "kind is 'nap', not 'sleep', 'cpu' or 'lock'"),
        ({"kind": ""}, "kind is '', not 'sleep', 'cpu' or 'lock'"),
        ({"rows": 19}, "rows is 19, not 20"),
        ({"rows": 20.0}, "rows is 20.0, not a whole number"),
        ({"leaked": 1}, "leaked is 1, not true or false"),
        ({"leaked": False}, "leaked is False, not True"),
        ({"most": 0}, "most is 0: less than 1"),
        ({"most": 65}, "most is 65: more than 64"),
        ({"inner": 1}, "inner is 1, not an object"),
        ({"inner": {}}, "inner has no b"),
        ({"inner": {"b": "1"}}, "inner.b is '1', not a whole number"),
        ({"inners": {}}, "inners is {}, not a list"),
        ({"inners": [{"b": 1}, {}]}, "inners[1] has no b"),
        ({"inners": [{"b": -1}]}, "inners[0].b is -1: no number here is negative"),
        ({"inners": [{"b": 1, "c": 1}]}, "inners[0] has c, which the contract does not know"),
        ({"x": 1, "y": 2}, "the body has x, y, which the contract does not know"),
        ({"count": "long" * 20}, f"count is '{'long' * 9}lon, not a whole number"),
        (None, "the body is null, not an object"),
        ([], "the body is [], not an object"),
    ],
)
def test_what_is_wrong_is_named(value: Any, named: str) -> None:
    assert mismatch(value, Outer) == named


def test_missing_keys_are_named_before_unknown_ones_and_those_before_wrong_values() -> None:
    class Three(Body):
        a: Count
        b: Count
        inner: Inner

    assert mismatch({"b": "wrong", "inner": {}, "x": 1}, Three) == "the body has no a"
    assert mismatch({"x": 1}, Three) == "the body has no a, b, inner"
    assert mismatch({"a": "wrong", "b": 1, "inner": {"b": 1}, "x": 1}, Three) == (
        "the body has x, which the contract does not know"
    )
    assert mismatch({"a": 1, "b": "wrong", "inner": {"b": 1}}, Three) == "b is 'wrong', not a whole number"


def test_what_may_be_missing_or_null_may_be_and_a_whole_number_is_a_number() -> None:
    assert mismatch({}, Outer) is None
    assert mismatch({"maybe": None, "number": 3, "inners": []}, Outer) is None


def answer(status: int, body: dict[str, Any] | bytes, path: str = contract.QUERY, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else encode(body)
    return Answer("GET", path, status, {"content-type": contract.JSON} | headers, content, 0.0, 1.0)


def test_answer_is_judged_by_status_type_and_body() -> None:
    assert problem_of(answer(200, SERVED), 200, models.Served) is None
    assert problem_of(answer(500, SERVED), 200, models.Served) == "GET /api/query → 500, not 200"
    html = Answer("GET", "/x", 200, {"content-type": "text/html"}, b"", 0, 1)
    assert problem_of(html, 200, models.Served) == "GET /x → 200: Content-Type is text/html, not application/json"
    assert problem_of(answer(200, b"{"), 200, models.Served) == "GET /api/query → 200: the body is null, not an object"


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
