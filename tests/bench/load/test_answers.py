"""What headers and bodies of answers say."""

import math

import pytest

from bench.load.answers import answer_error, server_timing
from services.workload.samples import NO_TIMING, SampleError


@pytest.mark.parametrize(
    ("header", "timing"),
    [
        ("acquire;dur=1.5, work;dur=20, release;dur=1e-2, app;dur=21.625", (1.5, 20.0, 0.01, 21.625)),
        ("app;dur=3,acquire;dur=2", (2.0, math.nan, math.nan, 3.0)),
        ("framework;dur=9, cache, acquire;dur=fast, work", NO_TIMING),
        ("", NO_TIMING),
        (None, NO_TIMING),
    ],
)
def test_server_timing(header: str | None, timing: tuple[float, ...]) -> None:
    assert server_timing(header) == pytest.approx(timing, abs=0, nan_ok=True)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"no JSON, and none is needed", "none"),
        (503, b'{"detail":{"error":"pool_exhausted","cause":"x"}}', "pool_exhausted"),
        (503, b'{"detail":{"error":"pool_growing"}}', "pool_growing"),
        (503, b'{"detail":{"error":"database_unavailable"}}', "database_unavailable"),
        (503, b'{"detail":{"error":"gave_up"}}', "other"),
        (503, b"<html>upstream</html>", "other"),
        (500, b'{"detail":"leaked"}', "other"),
        (404, b"[]", "other"),
        (502, b"\xff", "other"),
    ],
)
def test_errors_of_answers(status: int, body: bytes, error: str) -> None:
    assert answer_error(status, body) is SampleError[error]
