"""Capacity, waiting, counts and integrals, judged on samples made by hand."""

from typing import Any

import pytest

from bench.check import judge
from bench.check.judge import Poll, Sample
from bench.check.verdicts import Failed, settle


def held(begin: float, end: float, **more: Any) -> Sample:
    """A request whose connection was held exactly from `begin` to `end`, without any other time."""
    given: dict[str, Any] = {"path": "/api/query", "status": 200, "sent": begin, "received": end}
    return Sample(**(given | {"work_s": end - begin} | more))


def refused(sent: float, waited_s: float, error: str = "pool_exhausted") -> Sample:
    return Sample(path="/api/query", status=503, sent=sent, received=sent + waited_s, acquire_s=waited_s, error=error)


TWO_AFTER_TWO = (held(0, 1), held(0, 1), held(1, 2), held(1, 2))


def test_holds_that_touch_are_not_at_once() -> None:
    assert judge.held_at_once(TWO_AFTER_TWO) == (2, 2.0)


def test_hold_counts_only_where_it_is_certain() -> None:
    # Sent at 0, back at 3, held 1.6 s somewhere between: certain from 1.4 to 1.6 alone.
    vague = held(0, 3, work_s=1.6)

    assert judge.held_at_once([vague, held(1.4, 1.6)])[0] == 2
    assert judge.held_at_once([vague, held(1.7, 2.7)])[0] == 1


def test_hold_of_which_no_moment_is_certain_counts_in_the_average_alone() -> None:
    vague = [held(0, 1, work_s=0.25)] * 4

    assert judge.held_at_once(vague) == (0, 1.0)


def test_wait_and_release_are_no_hold() -> None:
    waited = held(0, 3, acquire_s=1, work_s=1, release_s=1)

    assert judge.held_at_once([waited, held(0, 1), held(2, 3)])[0] == 1


def test_nobody_served_is_nobody_held() -> None:
    assert judge.held_at_once([refused(0, 1)]) == (0, 0.0)


def test_exact_capacity_passes() -> None:
    assert judge.capacity(TWO_AFTER_TWO, [Poll(0, 0, 2, 2)], 2, 2) == "2 at once, 2.00 on average"


def test_overflow_is_reported_where_the_library_ships_it() -> None:
    samples = [held(0, 1)] * 3

    assert "1 of the library's own overflow" in judge.capacity(samples, [Poll(0, 0, 3, 0)], 2, 12)


@pytest.mark.parametrize(
    ("samples", "used", "named"),
    [
        ([held(0, 1)] * 3, 2, "3 requests held a connection at once, 2 may"),
        ([held(0, 1, work_s=0.45)] * 5, 2, "2.25 requests held a connection on average, 2 may"),
        (TWO_AFTER_TWO, 3, "pool_used_size was 3, 2 is all there is"),
        ([held(0, 1), held(1, 2)], 2, "no more than 1 requests held a connection at once"),
        ([], 0, "no more than 0 requests"),
    ],
)
def test_wrong_capacity_is_named(samples: list[Sample], used: int, named: str) -> None:
    with pytest.raises(Failed, match=named):
        judge.capacity(samples, [Poll(0, 0, used, 0)], 2, 2)


def test_average_above_one_less_proves_the_capacity() -> None:
    assert judge.capacity_shown([held(0, 1, work_s=0.4)] * 3, 2)
    assert not judge.capacity_shown([held(0, 1, work_s=0.3)] * 3, 2)


WAITERS = [refused(0, 1), refused(0, 1), refused(0, 1)]


def test_waiting_count_that_is_right_passes() -> None:
    polls = [Poll(-0.2, -0.1, 0, 0), Poll(0.4, 0.5, 0, 3), Poll(1.5, 1.6, 0, 0)]

    assert judge.waiting(polls, WAITERS, 3, 0) == "3 of 3 while they waited, 0 after, 3 looks"


@pytest.mark.parametrize(
    ("polls", "after", "named"),
    [
        ([Poll(0.4, 0.5, 0, 2)], 0, "never more than 2 while 3 waited"),
        ([Poll(0.4, 0.5, 0, 4)], 0, "was 4 with 3 requests in flight"),
        ([Poll(0.4, 0.5, 0, 3), Poll(1.1, 1.2, 0, 1)], 0, "was 1 with 0 requests in flight"),
        ([Poll(0.4, 0.5, 0, 3)], 3, "was 3 when no request waited any more"),
        ([], 0, "never more than 0"),
    ],
)
def test_waiting_count_that_lies_is_named(polls: list[Poll], after: int, named: str) -> None:
    with pytest.raises(Failed, match=named):
        judge.waiting(polls, WAITERS, 3, after)


def rise(**given: float) -> dict[str, float]:
    names = ["acquired_total", "released_total", "timed_out_total", "failed_total", "leaked_total"]
    names += ["abandoned_total", "pool_used_size", "waiting_requests", "waiter_seconds_total", "used_seconds_total"]
    return dict.fromkeys(names, 0.0) | given


MIXED = [held(0, 1), held(0, 2, acquire_s=1.0, work_s=1.0), refused(0, 0.5), refused(0, 0.1, "database_unavailable")]


def test_counts_that_equal_the_clients_pass() -> None:
    grew = rise(acquired_total=2, released_total=2, timed_out_total=1, failed_total=1)

    assert judge.counts(grew, MIXED) == "2 acquired and released, 1 timed out, as the client saw"


@pytest.mark.parametrize(
    "wrong",
    [
        {"acquired_total": 3},
        {"released_total": 1},
        {"timed_out_total": 0},
        {"failed_total": 0},
        {"leaked_total": 1},
        {"pool_used_size": 1},
        {"waiting_requests": -1},
    ],
)
def test_count_that_is_not_the_clients_is_named(wrong: dict[str, float]) -> None:
    right = {"acquired_total": 2, "released_total": 2, "timed_out_total": 1, "failed_total": 1}
    with pytest.raises(Failed, match=next(iter(wrong))):
        judge.counts(rise(**(right | wrong)), MIXED)


def test_integrals_that_equal_the_sums_pass() -> None:
    line = judge.integrals(rise(waiter_seconds_total=1.6, used_seconds_total=2.0), MIXED)

    assert line == "waiter_seconds_total 1.600 s for 1.600 s, used_seconds_total 2.000 s for 2.000 s"


def test_integral_may_be_off_by_a_millisecond_each_and_a_hundredth() -> None:
    judge.integrals(rise(waiter_seconds_total=1.619, used_seconds_total=1.979), MIXED)


@pytest.mark.parametrize(("waits", "holds", "named"), [(1.63, 2.0, "waiter_seconds"), (1.6, 1.9, "used_seconds")])
def test_integral_that_is_not_the_sum_is_named(waits: float, holds: float, named: str) -> None:
    with pytest.raises(Failed, match=named):
        judge.integrals(rise(waiter_seconds_total=waits, used_seconds_total=holds), MIXED)


def test_detail_names_the_first_problems_and_counts_the_rest() -> None:
    with pytest.raises(Failed, match=r"^a; b; c; d; and 2 more$"):
        settle(list("abcdef"), "fine")

    assert settle([], "fine") == "fine"
