"""From requests and samples to the few marks of a chart."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from bench.record.columns import CellRows
from bench.record.schema import Cell
from bench.report.charts.data import (
    BINS,
    DOTS,
    ROWS,
    Band,
    Bin,
    Way,
    answers,
    bin_s,
    column,
    over_time,
    survival,
    turns,
    usable,
    ways,
)
from services.workload.loads import Burst, Open
from tests.bench import made

BURST = made.cell("burst-10")
HOLD_US = 100_000
NO_EVENTS = ()


def rows(requests: list[dict[str, Any]], samples: list[dict[str, Any]] | None = None, of: Cell = BURST) -> CellRows:
    return CellRows(of, made.requests(of, requests), made.samples(of, samples or []), NO_EVENTS)


def burst(n: int, c: int, timeout_us: int = 10_000_000) -> pl.DataFrame:
    return made.requests(BURST, made.fifo_burst(n, c, HOLD_US, timeout_us))


def test_a_request_waits_and_then_holds() -> None:
    rejected_after_us = 50_000

    assert ways(burst(3, 1, rejected_after_us)) == (
        Way(0.0, 0.0, 0.0, 100.0, "served"),
        Way(0.0, 0.0, 50.0, 50.0, "rejected"),
        Way(0.0, 0.0, 50.0, 50.0, "rejected"),
    )


def test_what_lies_before_the_wait_is_the_server_queue() -> None:
    late = made.requests(
        BURST, [{"planned_us": 10_000, "finished_us": 160_000, "acquire_us": 30_000, "work_us": 100_000}]
    )

    assert ways(late) == (Way(10.0, 30.0, 60.0, 160.0, "served"),)


def test_a_request_without_an_answer_fails_from_its_start_to_its_end() -> None:
    silent = {"status": 0, "error": "timeout", "finished_us": 70_000, "acquire_us": None, "work_us": None}

    (way,) = ways(made.requests(BURST, [{**silent, "release_us": None, "app_us": None}]))

    assert (way.start, way.end, way.became) == (0.0, 70.0, "failed")


def test_a_503_of_the_database_is_no_rejection() -> None:
    (way,) = ways(made.requests(BURST, [{"status": 503, "error": "database_unavailable"}]))

    assert way.became == "failed"


def test_of_a_long_run_the_middle_is_drawn_request_by_request() -> None:
    sent = [{"sent_us": 1000 * nth, "finished_us": 1000 * nth + 100_000} for nth in range(10 * ROWS)]

    drawn = ways(made.requests(BURST, sent))

    assert [way.start for way in drawn] == list(range(450, 450 + ROWS))


def test_of_a_run_that_is_a_little_too_long_the_ends_stay() -> None:
    drawn = ways(made.requests(BURST, [{"sent_us": 1000 * nth} for nth in range(ROWS + 50)]))

    assert (len(drawn), drawn[0].start, drawn[-1].start) == (ROWS, 0, ROWS + 49)


def test_a_line_over_time_is_a_median_between_the_least_and_the_most() -> None:
    at = np.array([0.0, 1.0])
    series = [(at, np.array([used, used + 1.0])) for used in (0.0, 1.0, 5.0)]

    assert over_time(series, [0.0, 0.5, 1.0]) == [Band(0.0, 0, 1, 5), Band(0.5, 0, 1, 5), Band(1.0, 1, 2, 6)]


def test_there_is_no_value_before_the_first_sample_and_while_none_is_known() -> None:
    one = (np.array([0.5, 1.0]), np.array([3.0, np.nan]))

    assert over_time([one], [0.0, 0.5, 1.0]) == [
        Band(0.0, None, None, None),
        Band(0.5, 3, 3, 3),
        Band(1.0, *[None] * 3),
    ]
    assert over_time([(np.array([]), np.array([]))], [0.0]) == []


def test_backends_that_were_not_looked_at_for_a_while_are_a_gap() -> None:
    seen = [{"t_us": 0, "used": 1, "backends": 5}, {"t_us": 100_000, "used": 1}, {"t_us": 200_000, "used": 1}]

    _, backends = column(rows([], seen), "backends")

    assert backends[0] == 5
    assert np.isnan(backends[1:]).all()


def test_where_two_look_at_a_pool_each_leaves_rows_of_its_own() -> None:
    by_two = [{"t_us": 0, "used": 1}, {"t_us": 10_000, "backends": 5}, {"t_us": 20_000, "used": 2}]

    at, used = column(rows([], by_two), "used")

    assert (at.tolist(), used.tolist()) == ([0.0, 0.02], [1.0, 2.0])


def test_a_leaked_connection_is_not_usable_and_a_held_one_is() -> None:
    held = {"acquire_us": 0, "work_us": 100_000, "finished_us": 100_000}
    before = {"t_us": 50_000, "free": 4, "used": 1, "backends": 5}
    leaked = {"t_us": 150_000, "free": 3, "used": 2, "backends": 5}

    at, connections = usable(rows([held], [before, leaked]))

    assert (at.tolist(), connections.tolist()) == ([0.05, 0.15], [5.0, 3.0])


def test_no_more_connections_are_usable_than_postgresql_has() -> None:
    _, connections = usable(rows([{}], [{"t_us": 200_000, "free": 5, "used": 0, "backends": 2}]))

    assert connections.tolist() == [2.0]


def test_where_postgresql_is_not_looked_at_the_pool_is_believed() -> None:
    _, connections = usable(rows([{}], [{"t_us": 200_000, "free": 5, "used": 0}]))

    assert connections.tolist() == [5.0]


def test_those_rejected_wait_longer_than_any_that_was_served() -> None:
    assert survival(burst(4, 1, 150_000)) == ((0.0, 3), (100.0, 2))


def test_of_those_that_wait_alike_none_waits_longer_than_the_others() -> None:
    assert survival(burst(1000, 250))[0] == (0.0, 750)


def test_nothing_is_said_of_waits_where_an_answer_does_not_say_its_own() -> None:
    assert survival(made.requests(BURST, [{}, {"acquire_us": None}])) == ()
    assert survival(burst(0, 1)) == ()


def test_the_longest_waits_of_many_are_all_there() -> None:
    waits = survival(made.requests(BURST, [{"acquire_us": 1000 * nth} for nth in range(5000)]))

    assert len(waits) < 100
    assert waits[-3:] == ((4997.0, 2), (4998.0, 1), (4999.0, 0))


def test_in_turn_nobody_moves() -> None:
    dots, count = turns(burst(4, 1))

    assert (dots, count) == (((1, 0), (2, 0), (3, 0), (4, 0)), 4)


def test_a_request_that_is_overtaken_is_late_and_the_others_are_early() -> None:
    asked = [{"finished_us": end, "acquire_us": end - 100 - start, "work_us": 100} for start, end in OVERTAKEN]

    dots, _ = turns(made.requests(BURST, asked))

    assert dots == ((1, 2), (2, -1), (3, -1))


OVERTAKEN = ((0, 900), (1, 300), (2, 600))
"""When each asked and when it was answered: the first, last."""


def test_the_one_that_stands_out_is_in_every_thinned_order() -> None:
    many = [{"finished_us": 1000 * nth + 100, "acquire_us": 0, "work_us": 100} for nth in range(20 * DOTS)]
    late = {"finished_us": 1000 * 1337 + 600, "acquire_us": 1000 * 37 + 500, "work_us": 100}

    dots, count = turns(made.requests(BURST, [*many, late]))

    assert count == 20 * DOTS + 1
    assert len(dots) <= DOTS
    assert max(dots, key=lambda dot: dot[1]) == (1302, 37)


@pytest.mark.parametrize(("rate", "hold_s"), [(25.0, 0.1), (40.0, 0.1), (7.0, 0.05)])
def test_every_bin_has_as_many_of_evenly_spaced_answers(rate: float, hold_s: float) -> None:
    load = Open(rate_per_s=rate, seconds=6, arrivals="uniform")
    cell = replace(BURST, load=load)
    done = [{"finished_us": round((nth / rate + hold_s) * 1e6) + (nth % 3 - 1) * 900} for nth in range(int(6 * rate))]

    start, wide = bin_s(load, hold_s, 6.0)
    found = answers([CellRows(cell, made.requests(cell, done), made.samples(cell), NO_EVENTS)], start, wide)

    full = {round(one.served * wide) for one in found[1:-1]}
    assert len(full) == 1
    assert BINS / 2 < len(found) < 2 * BINS


def test_answers_are_a_mean_over_the_repetitions_by_kind() -> None:
    first = rows([{"finished_us": 100_000}, {"finished_us": 150_000}])
    second = rows(
        [{"finished_us": 100_000, "status": 503, "error": "pool_exhausted"}, {"finished_us": 700_000, "status": 0}]
    )

    assert answers([first, second], 0.0, 0.5) == (Bin(0.25, 2.0, 1.0, 0.0), Bin(0.75, 0.0, 0.0, 1.0))


def test_other_loads_have_as_many_bins_as_fit() -> None:
    assert bin_s(Burst(requests=10), 0.1, 3.2) == (0.0, 0.2)
