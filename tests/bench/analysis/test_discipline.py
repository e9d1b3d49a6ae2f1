"""Queues made by hand: in order, last in first out, and with barging; and the law that order costs nothing."""

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.answers import answers_of
from bench.analysis.discipline import Asks, discipline_metrics, fifo_waits, jain, overtaken, overtakers
from bench.record.schema import Cell
from tests.bench import made
from tests.bench.analysis import queue_order
from tests.bench.analysis.queue_order import Ask, exactly

ORDER = ("inversions", "overtaken", "fifo_distance_ms", "fifo_excess_ms_max", "ask_known_ms_p99")
SHARES = (
    "jain_index",
    "jain_index_waits",
    "worst_user_share",
    "starved_users",
    "starved_share",
    "longest_wait_ms",
)

OPEN = made.cell("poisson-09", acquire_timeout_s=1.0)
CLOSED = made.cell("tight-loop", acquire_timeout_s=1.0)


def arrays(asks: Sequence[Ask]) -> Asks:
    return Asks(
        earliest=np.array([ask.earliest for ask in asks], dtype=np.float64),
        latest=np.array([ask.latest for ask in asks], dtype=np.float64),
        wait=np.array([ask.wait for ask in asks], dtype=np.float64),
        served=np.array([ask.served for ask in asks], dtype=np.bool_),
    )


def found(asks: Sequence[Ask], acquire_timeout: float) -> tuple[int, int, list[float]]:
    """How many overtook, how many were overtaken, and the waits had they stood in line."""
    each = arrays(asks)
    return overtakers(each), overtaken(each), fifo_waits(each, acquire_timeout).tolist()


def order(cell: Cell, rows: list[dict[str, Any]]) -> dict[str, float | None]:
    found = discipline_metrics(cell, answers_of(made.requests(cell, rows)))
    return {name: found[name] for name in ORDER}


def row(asked_ms: float, wait_ms: float, *, known_ms: float = 0, **changed: Any) -> dict[str, Any]:
    """A request that asks at `asked_ms`, sent `known_ms` earlier, and holds for 10 ms."""
    finished = {"finished_us": int((asked_ms + wait_ms + 10) * 1000), "acquire_us": int(wait_ms * 1000)}
    return {"sent_us": int((asked_ms - known_ms) * 1000), "work_us": 10_000, **finished, **changed}


def test_in_order_nobody_is_overtaken() -> None:
    """One connection, asked at 0, 1, 2 and 3 ms."""
    assert order(OPEN, [row(0, 0), row(1, 9), row(2, 18), row(3, 27)]) == {
        "inversions": 0, "overtaken": 0, "fifo_distance_ms": 0, "fifo_excess_ms_max": 0, "ask_known_ms_p99": 0
    }  # fmt: skip


def test_last_in_first_out() -> None:
    """The last one goes first at 10 ms, the one before at 20, the first at 30: waits of 29, 18 and 7 for the ideal's
    9, 18 and 27."""
    assert order(OPEN, [row(0, 0), row(1, 29), row(2, 18), row(3, 7)]) == {
        "inversions": 2, "overtaken": 2, "fifo_distance_ms": 10, "fifo_excess_ms_max": 20, "ask_known_ms_p99": 0
    }  # fmt: skip


def test_one_who_barges_in_overtakes_everybody() -> None:
    """At 10 ms comes a fourth, and is served before the two who wait; each waits one hold more."""
    asks = [exactly(0, 0), exactly(1, 19), exactly(2, 28), exactly(10, 0)]
    assert found(asks, 1000) == (1, 2, [0, 9, 18, 20])


def test_one_who_gave_up_was_overtaken_by_those_who_were_served_meanwhile() -> None:
    """Acquire timeout 15: a request of 1 gives up at 16, and the connection of 10 went to one who asked at 5."""
    asks = [exactly(0, 0), exactly(1, 15, served=False), exactly(5, 5), exactly(17, 3)]
    # The connection of 10 goes to the one who gave up, that of 20 to the one of 5, and none is left for the last.
    assert found(asks, 15) == (1, 1, [0, 9, 15, 15])


def test_one_who_gave_up_in_turn_is_no_inversion() -> None:
    asks = [exactly(0, 0), exactly(1, 15, served=False), exactly(2, 18)]
    assert found(asks, 15) == (0, 0, [0, 15, 18])


def test_what_may_have_been_asked_at_the_same_moment_is_no_inversion() -> None:
    """The second was sent after the first, and may all the same have asked before it."""
    rows = [row(0, 0), row(3, 17, known_ms=2.5), row(4, 6, known_ms=2)]
    assert order(OPEN, rows) == {
        "inversions": 0, "overtaken": 0, "fifo_distance_ms": 0, "fifo_excess_ms_max": 0, "ask_known_ms_p99": 2.5
    }  # fmt: skip
    rows[2] = row(4, 6, known_ms=0.5)
    assert order(OPEN, rows)["inversions"] == 1


def test_what_is_slow_around_the_pool_makes_no_inversion() -> None:
    """An answer that comes 50 ms late may have been asked for 50 ms later."""
    late = row(1, 9)
    late["finished_us"] += 50_000
    assert order(OPEN, [row(0, 0), late, row(2, 18)])["inversions"] == 0


@pytest.mark.parametrize(
    ("cell", "changed"),
    [
        (made.cell("burst-10"), {}),
        (made.cell("five-in-sequence"), {}),
        (OPEN, {"path": "/api/several?times=5"}),
        (OPEN, {"path": "/api/nested"}),
        (OPEN, {"path": "/api/noop"}),
        (OPEN, {"acquire_us": None, "status": 0}),
    ],
)
def test_order_cannot_be_said(cell: Cell, changed: dict[str, Any]) -> None:
    assert order(cell, [row(0, 0), row(1, 9, **changed)]) == dict.fromkeys(ORDER)
    assert order(cell, []) == dict.fromkeys(ORDER)


def test_order_is_known_for_either_way_to_take_a_connection() -> None:
    assert order(CLOSED, [row(0, 0, path="/api/query-proper"), row(1, 9, path="/api/query?hold_ms=10")]) == {
        "inversions": 0, "overtaken": 0, "fifo_distance_ms": 0, "fifo_excess_ms_max": 0, "ask_known_ms_p99": 0
    }  # fmt: skip


@st.composite
def queues(draw: st.DrawFn) -> tuple[list[Ask], float]:
    """What c servers make of any asks and holds, in order of asking, with an acquire timeout that all share."""
    servers = [0.0] * draw(st.integers(1, 4))
    acquire_timeout = draw(st.integers(1, 60))
    at, asks = 0, []
    for _ in range(draw(st.integers(1, 40))):
        at += draw(st.integers(0, 8))
        start = max(at, heappop(servers))
        served = start - at <= acquire_timeout
        asks.append(exactly(at, start - at if served else acquire_timeout, served=served))
        heappush(servers, start + draw(st.integers(1, 30)) if served else start)
    return draw(st.permutations(asks)), acquire_timeout


@given(queues())
def test_first_come_first_served_is_no_distance_at_all(queue: tuple[list[Ask], float]) -> None:
    asks, acquire_timeout = queue
    assert found(asks, acquire_timeout) == (0, 0, [ask.wait for ask in asks])


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 5), st.booleans()), max_size=25))
def test_order_by_sorting_is_order_by_comparing_all_pairs(rows: list[tuple[int, int, int, bool]]) -> None:
    asks = [Ask(earliest=at, latest=at + known, wait=wait, served=served) for at, wait, known, served in rows]

    def passed(late: Ask, early: Ask) -> bool:
        asked_after = early.latest < late.earliest
        return late.served and asked_after and late.latest + late.wait < early.earliest + early.wait

    assert overtakers(arrays(asks)) == sum(any(passed(one, other) for other in asks) for one in asks)
    assert overtaken(arrays(asks)) == sum(any(passed(other, one) for other in asks) for one in asks)


ASKED = st.tuples(st.integers(0, 60), st.integers(0, 6), st.integers(0, 50), st.booleans())


@given(st.lists(ASKED, max_size=60), st.one_of(st.integers(1, 60), st.floats(1, 60)))
def test_order_on_arrays_is_that_of_one_request_after_another(
    rows: list[tuple[int, int, int, bool]], acquire_timeout: float
) -> None:
    asks = [Ask(earliest=at, latest=at + known, wait=wait, served=served) for at, known, wait, served in rows]

    assert found(asks, acquire_timeout) == (
        queue_order.overtakers(asks),
        queue_order.overtaken(asks),
        queue_order.fifo_waits(asks, acquire_timeout),
    )


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 5)), max_size=25))
def test_the_ideal_hands_out_no_connection_twice(rows: list[tuple[int, int, int]]) -> None:
    """All were served: then all are in the ideal too, and waits add up to the same."""
    asks = [exactly(at, wait) for at, wait, _ in rows]
    assert fifo_waits(arrays(asks), 1000).sum() == sum(ask.wait for ask in asks)


@pytest.mark.parametrize(
    ("values", "index"), [([], None), ([0, 0], 1), ([3, 3, 3], 1), ([1, 0, 0, 0], 0.25), ([1, 3], 0.8)]
)
def test_jain(values: list[float], index: float | None) -> None:
    assert jain(values) == (None if index is None else pytest.approx(index))


def shares(cell: Cell, rows: list[dict[str, Any]]) -> dict[str, float | None]:
    found = discipline_metrics(cell, answers_of(made.requests(cell, rows)))
    return {name: found[name] for name in SHARES}


def test_how_users_shared() -> None:
    """Three users: four, two and no request served; the last waits in vain, a second each time."""
    refused = {"user": 2, "status": 503, "error": "pool_exhausted", "acquire_us": 1_000_000}
    rows = [{"user": 0, "acquire_us": 100_000}] * 4 + [{"user": 1, "acquire_us": 200_000}] * 2 + [refused] * 2
    assert shares(CLOSED, rows) == {
        "jain_index": pytest.approx(36 / (3 * 20)),
        "jain_index_waits": pytest.approx(1.3**2 / (3 * 1.05)),
        "worst_user_share": 0,
        "starved_users": 1,
        "starved_share": pytest.approx(1 / 3),
        "longest_wait_ms": 1000,
    }


@pytest.mark.parametrize("cell", [OPEN, made.cell("burst-10"), made.cell("ramp"), made.cell("one")])
def test_shares_are_said_only_of_users_who_were_there_all_the_time(cell: Cell) -> None:
    assert shares(cell, [{"user": 0, "acquire_us": 5_000}, {"user": 1}]) == dict.fromkeys(SHARES) | {
        "longest_wait_ms": 5
    }


def test_nothing_is_said_of_nothing() -> None:
    assert discipline_metrics(CLOSED, answers_of(made.requests(CLOSED, []))) == dict.fromkeys(ORDER + SHARES)
