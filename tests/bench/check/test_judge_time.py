"""Holds, timeouts and told times, judged on samples made by hand."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.check import judge_time
from bench.check.client import Answer
from bench.check.judge import Sample
from bench.check.verdicts import Failed, Skipped


def hold(seconds: float, work_s: float, asked_s: float | None) -> Sample:
    return Sample(path="/api/query", status=200, sent=5, received=5 + seconds, work_s=work_s, asked_s=asked_s)


def timeout(seconds: float, told_s: float | None = None, error: str = "pool_exhausted") -> Sample:
    waited_s = seconds if told_s is None else told_s
    return Sample(path="/api/query", status=503, sent=5, received=5 + seconds, acquire_s=waited_s, error=error)


def served_after(acquire_s: float) -> Sample:
    return Sample(path="/api/query", status=200, sent=0, received=acquire_s, acquire_s=acquire_s)


def test_hold_as_long_as_asked_passes() -> None:
    samples = [hold(0.11, 0.1, 0.1), hold(0.2, 0.12, 0.1), hold(0.1, 0.0, None)]

    assert judge_time.never_short(samples) == "2 holds, the longest 20.0 ms over"


@pytest.mark.parametrize(
    ("samples", "named"),
    [
        ([hold(0.11, 0.0999, 0.1)], "held 99.9 ms of 100.0 ms"),
        ([hold(0.09, 0.1, 0.1)], "says that it held 100.0 ms and was back after 90.0 ms"),
        ([hold(0.1, 0.0, None)], "no request was served"),
        ([timeout(0.1)], "no request was served"),
    ],
)
def test_hold_that_is_short_is_named(samples: list[Sample], named: str) -> None:
    with pytest.raises(Failed, match=named):
        judge_time.never_short(samples)


def test_timeout_at_its_time_is_not_early() -> None:
    line = judge_time.never_early([timeout(0.25), timeout(0.3), served_after(0.1)], 0.25)

    assert line == "2 timeouts of 250.0 ms, the first after 250.0 ms"


@pytest.mark.parametrize(
    ("samples", "named"),
    [
        ([timeout(0.249)], "gave up after 249.0 ms of 250.0 ms"),
        ([timeout(0.26, told_s=0.2)], "says waited_seconds 0.200000 of 0.25"),
        ([timeout(0.26, told_s=0.3)], "and was back after"),
        ([served_after(0.1)], "no wait timed out"),
    ],
)
def test_timeout_that_is_early_or_told_wrong_is_named(samples: list[Sample], named: str) -> None:
    with pytest.raises(Failed, match=named):
        judge_time.never_early(samples, 0.25)


def test_database_that_is_unavailable_is_no_timeout() -> None:
    lost = timeout(0.01, error="database_unavailable")

    assert judge_time.never_early([lost, timeout(0.25)], 0.25) == "1 timeouts of 250.0 ms, the first after 250.0 ms"
    with pytest.raises(Skipped, match="the database was unavailable to all 2 that were rejected"):
        judge_time.never_early([lost, lost], 0.25)
    with pytest.raises(Failed, match="gave up after 10"):
        judge_time.never_early([lost, timeout(0.01)], 0.25)


def test_timeout_may_be_late_by_a_tenth_and_what_noop_is_late() -> None:
    judge_time.not_late([timeout(0.284)], 0.25, [])
    judge_time.not_late([timeout(0.374)], 0.25, [(4.99, 4.995), (5.0, 5.04), (5.2, 5.21), (5.22, 5.26)])


def test_standstill_that_begins_after_a_noop_was_served_excuses_what_was_sent_into_it() -> None:
    """The noop of 5.0 is served, then the service stands still until 5.04; the next one meets only the end of that."""
    noops = [(5.0, 5.0044), (5.012, 5.0425), (5.248, 5.2484), (5.254, 5.2544), (5.29, 5.2904)]
    late = replace(timeout(0.293), sent=5.0037, received=5.2967)

    judge_time.not_late([late], 0.25, noops)


def noops_with(stall_at: float = 0.0, stall_s: float = 0.0) -> list[tuple[float, float]]:
    """One every 5 ms from 4.9 to 5.5, each answered in 0.4 ms, but for the one that meets the stall."""
    times = [4.9 + nth / 200 for nth in range(121)]
    before = [(sent, sent + 0.0004) for sent in times if sent < stall_at]
    after = [(sent, sent + 0.0004) for sent in times if sent >= stall_at + stall_s]
    met = [(stall_at, stall_at + stall_s)] if stall_s else []
    return before + met + after


def test_noops_that_are_answered_all_the_while_excuse_no_more_than_the_time_between_them() -> None:
    with pytest.raises(Failed, match=r"28[5-6]\.\d ms is the most here"):
        judge_time.not_late([timeout(0.287)], 0.25, noops_with())


def test_standstill_at_another_moment_is_no_excuse() -> None:
    judge_time.not_late([timeout(0.36)], 0.25, noops_with(stall_at=5.251, stall_s=0.1))
    with pytest.raises(Failed, match=r"28[5-6]\.\d ms is the most here"):
        judge_time.not_late([timeout(0.36)], 0.25, noops_with(stall_at=5.101, stall_s=0.1))


def test_slow_noop_excuses_no_more_than_the_timeout_itself() -> None:
    slow = [(4.0, 5.9), (5.9, 7.8), (7.8, 9.7)]

    judge_time.not_late([timeout(0.52)], 0.25, slow)
    with pytest.raises(Failed, match=r"waited 530\.0 ms of 250\.0 ms, and 525\.0 ms is the most here"):
        judge_time.not_late([timeout(0.53)], 0.25, slow)


@pytest.mark.parametrize("late", [timeout(0.286), served_after(0.286)])
def test_wait_that_is_late_is_named(late: Sample) -> None:
    with pytest.raises(Failed, match=r"waited 286\.0 ms of 250\.0 ms, and 285\.0 ms"):
        judge_time.not_late([timeout(0.25), late], 0.25, [])


def test_no_timeout_at_all_is_named() -> None:
    with pytest.raises(Failed, match="no wait timed out"):
        judge_time.not_late([served_after(0.1)], 0.25, [])


def spent(app_s: float, acquire_s: float) -> Sample:
    return Sample(path="/api/query", status=200, sent=0, received=1, acquire_s=acquire_s, app_s=app_s)


def test_time_that_is_told_passes() -> None:
    assert "1.0 ms of app is untold" in judge_time.told([spent(0.101, 0.1)] * 3, [(0.0, 0.002)])


def test_time_that_is_not_told_is_named_where_most_requests_have_it() -> None:
    with pytest.raises(Failed, match=r"100.0 ms of app is in none"):
        judge_time.told([spent(0.2, 0.1)] * 2 + [spent(0.1, 0.1)], [(0.0, 0.002)])

    judge_time.told([spent(0.2, 0.1)] + [spent(0.1, 0.1)] * 2, [(0.0, 0.002)])
    with pytest.raises(Failed, match=r"150.0 ms are excused"):
        judge_time.told([spent(0.26, 0.1)] * 3, [(0.0, 2.0)])


HOLDERS = [hold(0.4, 0.4, None), replace(hold(0.41, 0.4, None), sent=5.01, received=5.41)]
"""The pool is exhausted from 5.01 to 5.4; probes count until 5.3025."""


def test_probes_that_are_answered_while_all_is_held_pass() -> None:
    line = judge_time.while_exhausted([(5.1, 5.11), (5.3, 5.39), (5.31, 5.5), (4.9, 5.5)], HOLDERS)

    assert line == "2 while 2 held all connections, the slowest in 90.0 ms"


@pytest.mark.parametrize("probe", [(4.9, 5.1), (5.005, 5.1), (5.31, 5.32), (5.5, 5.51)])
def test_probe_that_was_sent_before_the_pool_was_exhausted_or_late_proves_nothing(probe: tuple[float, float]) -> None:
    with pytest.raises(Failed, match="none of 1 was sent while all connections were held"):
        judge_time.while_exhausted([probe], HOLDERS)


def test_the_slowest_probe_counts() -> None:
    with pytest.raises(Failed, match=r"1 of 3 came only when a connection had come free, after up to 305\.0 ms"):
        judge_time.while_exhausted([(5.05, 5.06), (5.1, 5.405), (5.2, 5.21)], HOLDERS)


def answer(timing: str, body: object = None, seconds: float = 0.1) -> Answer:
    content = json.dumps(body).encode()
    return Answer("GET", "/api/query", 200, {"server-timing": timing}, content, 5.0, 5.0 + seconds)


def timed(app: float, work: float = 80.0) -> str:
    return f"acquire;dur=10.000, work;dur={work:.3f}, release;dur=1.000, app;dur={app:.3f}"


def told_in_body(work: float) -> dict[str, dict[str, float]]:
    return {"timing": {"acquire_time_ms": 10.0, "work_time_ms": work, "release_time_ms": 1.0}}


def test_times_that_fit_pass() -> None:
    assert judge_time.coherent([answer(timed(91.0), told_in_body(80.0))]) == "1 answers fit into the client's clock"


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: answer(timed(100.1)), "app 100.100 ms, and the client had it after 100.0 ms"),
        (lambda: answer(timed(90.0)), "acquire, work and release are 91.000 ms of app 90.000 ms"),
        (lambda: answer(timed(92.0), told_in_body(70.0)), "work in the body and in Server-Timing differ"),
    ],
)
def test_times_that_do_not_fit_are_named(make: Callable[[], Answer], named: str) -> None:
    with pytest.raises(Failed, match=named):
        judge_time.coherent([make()])
