"""What is refused before and after a load."""

from typing import Any

import pytest

from bench.record.readings import Reading
from bench.run.conditions import Mismatch, compare, refuse_lost

ASKED = {"work_time_ms": 50, "pool_min_size": 5, "threads": 18}


@pytest.mark.parametrize(
    ("in_force", "made", "why"),
    [
        ({"work_time_ms": 7}, 5, "work_time_ms is 7 in force, and 50 was asked for"),
        ({}, 4, "4 of 5 connections were made before the load"),
    ],
)
def test_settings_that_are_not_in_force_are_refused(in_force: dict[str, Any], made: int | None, why: str) -> None:
    with pytest.raises(Mismatch, match=f"^{why}$"):
        compare(ASKED | in_force, made, ASKED)


@pytest.mark.parametrize(("in_force", "made"), [({}, 5), ({"threads": 64, "more": 1}, None)])
def test_threads_to_spare_and_a_count_that_is_not_told_are_taken(in_force: dict[str, Any], made: int | None) -> None:
    compare(ASKED | in_force, made, ASKED)


def test_a_database_that_is_gone_after_the_load_fails_the_cell() -> None:
    there, gone = Reading(at_s=0.0, reads=7), Reading(at_s=1.0)

    refuse_lost(there, there)
    refuse_lost(gone, gone)  # it never told
    with pytest.raises(Mismatch, match="PostgreSQL answers no more"):
        refuse_lost(there, gone)
