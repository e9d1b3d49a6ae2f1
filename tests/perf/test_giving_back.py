"""`perf.giving_back` counts who is served, and shows who starves where a task takes again what it has given back."""

import pytest

from bench.postgres.database import Database
from perf.giving_back import row
from perf.ways import WAYS, Crowd, Load

LOAD = Load(users=4, size=1, hold_s=0.01, timeout_s=10, seconds=1)


def crowd(*served: int, rejected: int = 0, longest_s: float = 0.0, overtook: int = 0) -> Crowd:
    made = Crowd(LOAD)
    for user, count in zip(made.users, served, strict=True):
        user.served = count
    made.users[0].rejected, made.users[-1].longest_s, made.overtook = rejected, longest_s, overtook
    return made


def test_a_row_has_the_median_and_the_least_and_most_where_they_differ() -> None:
    plays = [
        crowd(5, 5, 5, 5, longest_s=0.5),
        crowd(20, 0, 0, 0, rejected=3, longest_s=2.0, overtook=7),
        crowd(9, 9, 1, 1, longest_s=1.0, overtook=2),
    ]
    assert row(plays) == ["20", "0 (0–3)", "2 (0–3)", "0.61 (0.25–1.00)", "1000 (500–2000)", "2 (0–7)"]


def test_a_user_under_half_the_mean_is_counted_and_one_at_half_is_not() -> None:
    assert row([crowd(1, 1, 3, 3)])[2] == "0"
    assert row([crowd(0, 1, 3, 3)])[2] == "1"


def test_a_request_served_before_an_earlier_one_has_overtaken_it() -> None:
    made = Crowd(LOAD)
    first, second = made.users[:2]
    assert first.asks()
    assert second.asks()
    second.is_served()
    first.is_served()
    assert (made.overtook, first.served, second.served) == (1, 1, 1)


@pytest.mark.parametrize(
    ("way", "served"),
    [("by hand", 1), ("context manager, no task", 1), ("context manager", 4), ("by hand, two turns", 4)],
)
def test_with_sqlalchemy_a_task_that_is_not_left_between_release_and_acquire_keeps_the_connection(
    way: str, served: int, database: Database
) -> None:
    """A play of a pool of one: how many users are served at all."""
    played = WAYS["SQLAlchemy", way](database.dsn, LOAD)
    assert sum(user.served > 0 for user in played.users) == served
