"""The contract's own words: what is parsed and refused, and the bytes that go out."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common import contract
from services.common.contract import BadRequest, PoolView, Timing
from services.common.encoding import encode


def refused(error: BadRequest) -> tuple[int, str]:
    return error.status, error.error


@pytest.mark.parametrize("path", contract.METHODS)
def test_a_path_takes_only_its_own_parameters(path: str) -> None:
    takes = {
        contract.QUERY: {"hold_ms"},
        contract.QUERY_PROPER: {"hold_ms"},
        contract.NESTED: {"hold_ms"},
        contract.SEVERAL: {"times", "hold_ms"},
        contract.QUERY_LEAK: {"how"},
    }.get(path, set())

    assert contract.parse_query(path, []) == {}
    for name in takes:
        assert contract.parse_query(path, [(name, "1")]) == {name: "1"}
    for name in {"hold_ms", "times", "how", "x"} - takes:
        with pytest.raises(BadRequest, match=f"unknown query parameter '{name}'") as unknown:
            contract.parse_query(path, [(name, "1")])
        assert refused(unknown.value) == (422, "invalid")


def test_a_parameter_that_stands_twice_is_refused() -> None:
    with pytest.raises(BadRequest, match="hold_ms stands twice") as twice:
        contract.parse_query(contract.QUERY, [("hold_ms", "1"), ("hold_ms", "1")])
    assert refused(twice.value) == (422, "invalid")


@given(st.integers(0, contract.MAX_HOLD_MS), st.integers())
def test_a_hold_in_range_is_taken(hold_ms: int, default: int) -> None:
    assert contract.parse_hold_ms({"hold_ms": str(hold_ms)}, default) == hold_ms
    assert contract.parse_hold_ms({}, default) == default


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1.0", "1e3", " 1", "1 ", "1_0", "0x1", "٣", "²", "600001", "9" * 5000, "nan", "\x00"]
)
def test_another_hold_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="hold_ms must be a whole number from 0 to 600000") as bad:
        contract.parse_hold_ms({"hold_ms": text}, 5)
    assert refused(bad.value) == (422, "invalid")
    assert len(str(bad.value)) < 300


@given(st.integers(1, contract.MAX_TIMES))
def test_a_number_of_checkouts_in_range_is_taken(times: int) -> None:
    assert contract.parse_times({"times": str(times)}) == times
    assert contract.parse_times({}) == 5


@pytest.mark.parametrize("text", ["", "0", "-1", "+1", "1.0", " 1", "21", "²", "9" * 5000, "\x00"])
def test_another_number_of_checkouts_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="times must be a whole number from 1 to 20") as bad:
        contract.parse_times({"times": text})
    assert refused(bad.value) == (422, "invalid")
    assert len(str(bad.value)) < 300


def test_the_times_of_several_checkouts_add_up() -> None:
    timing = Timing()
    for checkout in (Timing(1, 20, 0.5), Timing(3, 21, 0.25)):
        timing.add(checkout)
    assert timing == Timing(4, 41, 0.75)


def test_how_to_leak() -> None:
    assert contract.parse_how({}) == "kept"
    assert [contract.parse_how({"how": how}) for how in contract.HOWS] == list(contract.HOWS)
    for text in ("", "Kept", "kept ", "lost" * 100):
        with pytest.raises(BadRequest, match="how must be one of kept, dropped, exception") as bad:
            contract.parse_how({"how": text})
        assert refused(bad.value) == (422, "invalid")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40)  # each takes a tenth of a second to draw
@given(st.dictionaries(st.text(), JSON_VALUES, max_size=5))
def test_an_object_survives_encoding_and_parsing(body: dict[str, Any]) -> None:
    assert contract.parse_object(encode(body)) == body


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"1", b"null", b'"a"', b"{", b"{'a': 1}", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}',
     b'{"a": 1, "a": 1}', b'{"a": {"b": 1, "b": 2}}', b"\xff\xfe", b'{"a": 1} x', b"[" * 60_000, b'{"a":' * 20_000,
     b'{"a": ' + b"9" * 5000 + b"}"],
)  # fmt: skip
def test_what_is_not_an_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest, match=r"^the body must be a JSON object") as bad:
        contract.parse_object(body)
    assert refused(bad.value) == (422, "invalid")
    assert len(str(bad.value)) < 300


@given(st.binary(max_size=40))
def test_any_bytes_are_an_object_or_a_refusal(body: bytes) -> None:
    with suppress(BadRequest):
        assert isinstance(contract.parse_object(body), dict)


@pytest.mark.parametrize(
    ("waiting", "hold_ms", "size", "seconds"),
    [(0, 1000, 5, "1"), (5, 1000, 5, "1"), (6, 1000, 5, "2"), (50, 1000, 5, "10"), (50, 0, 5, "1"), (3, 500, 1, "2")],
)
def test_whoever_is_refused_is_told_when_the_queue_has_drained(
    waiting: int, hold_ms: float, size: int, seconds: str
) -> None:
    assert contract.retry_after(waiting, hold_ms, size) == seconds


def test_the_bodies_of_errors() -> None:
    assert contract.error_body("invalid", "say so") == {
        "detail": {"error": "invalid", "cause": "say so", "trace_id": None}
    }
    assert contract.refused_body("pool_exhausted", "full", 1.23456789, 5, "ab", stage="acquire") == {
        "detail": {
            "error": "pool_exhausted",
            "cause": "full",
            "waited_seconds": 1.234568,
            "pool_max_size": 5,
            "trace_id": "ab",
            "stage": "acquire",
        }
    }


def test_the_body_of_what_was_served() -> None:
    timing = Timing(acquire_ms=1.23456, work_ms=20, release_ms=0.1)
    body = contract.served_body("svc", timing, 22.0004, PoolView(5, 4, None), 20, None, leaked=True)

    assert body == {
        "status": "ok",
        "service": "svc",
        "trace_id": None,
        "timing": {"acquire_time_ms": 1.235, "work_time_ms": 20, "release_time_ms": 0.1, "total_time_ms": 22.0},
        "pool": {"max_size": 5, "current_size": 4, "free": None},
        "rows_returned": 20,
        "leaked": True,
    }
    timing.nested_acquire_ms = 0.0
    nested = contract.served_body("svc", timing, 22, PoolView(5, 4, 1), 20, "ab")
    assert nested["timing"]["nested_acquire_time_ms"] == 0.0
    assert "leaked" not in nested
    assert contract.health_body("svc") == {"status": "ok", "service": "svc"}


def test_server_timing_is_in_milliseconds() -> None:
    assert Timing(1.5, 20, 0.25).header(22.0) == "acquire;dur=1.500, work;dur=20.000, release;dur=0.250, app;dur=22.000"


def test_what_is_wrong_with_a_request_says_what_to_change() -> None:
    assert refused(contract.not_found("/x")) == (404, "not_found")
    assert str(contract.not_found("/x")) == "no such path: /x; GET /openapi.json lists them"
    wrong = contract.wrong_method("PUT", contract.CONFIG)
    assert refused(wrong) == (405, "method_not_allowed")
    assert str(wrong) == "/admin/config takes GET, POST, not PUT"
    assert contract.allow(contract.CONFIG) == {"Allow": "GET, POST"}
    assert refused(contract.several_workers(4)) == (409, "several_workers")
    assert str(contract.several_workers(4)).endswith("set it by environment")
    assert refused(contract.too_large()) == (413, "too_large")


def test_the_tables_agree() -> None:
    assert set(contract.HOLDING) < set(contract.METHODS)
