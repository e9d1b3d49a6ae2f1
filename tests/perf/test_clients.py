"""What is read from the records of k6 and wrk."""

import json

import pytest

from perf.clients import ClientFailed, Recorded, read_k6, read_wrk


def point(time: str, value: float, metric: str = "http_req_duration", status: str = "200") -> str:
    return json.dumps(
        {"metric": metric, "type": "Point", "data": {"time": time, "value": value, "tags": {"status": status}}},
        separators=(",", ":"),
    )


DECLARED = '{"type":"Metric","data":{"name":"http_req_duration","type":"trend"},"metric":"http_req_duration"}'


def test_of_k6_the_ends_of_requests_are_kept_whatever_their_order_and_time_zone() -> None:
    lines = [
        DECLARED,
        point("1970-01-01T00:00:02.250000999Z", 30.0),
        point("1970-01-01T00:00:09Z", 1.0, metric="http_req_waiting"),
        point("1970-01-01T01:00:01.5+01:00", 10.0),
        point("1970-01-01T00:00:03Z", 20.0),
    ]

    assert read_k6(lines) == Recorded((1.5, 2.25, 3.0), 20.0)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([DECLARED], "k6: 0 of 0 requests"),
        ([point("1970-01-01T00:00:01Z", 1.0), point("1970-01-01T00:00:02Z", 1.0, status="503")], "k6: 1 of 2 requests"),
        ([point("1970-01-01T00:00:01Z", 1.0, status="0")], "k6: 1 of 1 requests"),
    ],
)
def test_k6_that_was_not_served_is_refused(lines: list[str], text: str) -> None:
    with pytest.raises(ClientFailed, match=text):
        read_k6(lines)


def test_of_wrk_the_answers_are_kept_among_what_it_prints() -> None:
    lines = [
        "Running 3s test @ http://127.0.0.1:8000/api/query",
        "answered 1700000002.250000000 200",
        "answered 1700000001.500000000 200",
        "  Thread Stats   Avg      Stdev     Max   +/- Stdev",
        "counted 2 0 503.250",
        "",
    ]

    assert read_wrk(lines) == Recorded((1700000001.5, 1700000002.25), 503.25)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([], "has not come to its end"),
        (["answered 1.0 200", "counted 2 0 1.000"], "counts 2 answers, and has written 1"),
        (["counted 0 0 0.000"], "wrk: 0 of 0 requests"),
        (["answered 1.0 200", "answered 1.0 503", "counted 2 0 1.000"], "wrk: 1 of 2 requests"),
        (["answered 1.0 200", "counted 1 3 1.000"], "wrk: 3 of 4 requests"),
    ],
)
def test_wrk_that_was_not_served_or_cannot_count_is_refused(lines: list[str], text: str) -> None:
    with pytest.raises(ClientFailed, match=text):
        read_wrk(lines)
