"""Which path is asked for, by hand and by law."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workload.arrivals import choose_paths, picks
from services.workload.loads import Share

MIX = (Share(path="/slow", weight=1), Share(path="/fast", weight=3))


def test_seeds_differ() -> None:
    assert choose_paths(MIX, 50, 1) != choose_paths(MIX, 50, 2)


def test_shares_follow_weights() -> None:
    chosen = choose_paths(MIX, 10_000, seed=3)
    assert set(chosen) == {0, 1}
    assert abs(chosen.count(0) / 10_000 - 0.25) < 0.02


@given(st.integers(), st.integers(0, 200))
def test_picks_are_a_stream_of_each_user(seed: int, n: int) -> None:
    assert choose_paths(MIX, n, seed) == list(islice(picks(MIX, seed), n))
    assert list(islice(picks(MIX, seed, 5), n)) == list(islice(picks(MIX, seed, 5), n))


def test_users_pick_apart() -> None:
    assert len({tuple(islice(picks(MIX, 1, user), 40)) for user in range(20)}) == 20


@pytest.mark.parametrize("mix", [(), (Share(path="/", weight=0),), (*MIX, Share(path="/", weight=-1))])
def test_a_mix_without_weight_is_refused(mix: tuple[Share, ...]) -> None:
    with pytest.raises(ValueError, match="every weight above 0"):
        choose_paths(mix, 1, seed=1)
