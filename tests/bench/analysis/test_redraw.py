"""Comparisons drawn again: what is planted, what is found, what is not there."""

import numpy as np
import pytest

from bench.analysis.redraw import ROUNDS, centred, chance_for, chances, needed, planted
from bench.analysis.rule import Scale, evidence

STEADY = 0.07 + np.array([-4, -3, -2, -1, 0, 0, 1, 2, 3, 4]) * 1e-3
NOISY = 0.07 + np.array([-4, -3, -2, -1, 0, 0, 1, 2, 3, 4]) * 0.1
LEVEL = 0.001


def test_what_is_centred_has_no_difference_left_and_a_spread_as_of_a_larger_population() -> None:
    apart = centred(STEADY)
    assert evidence(apart[None, :]).estimate[0] == pytest.approx(0, abs=1e-12)
    assert apart.std() == pytest.approx(STEADY.std(ddof=1))


@pytest.mark.parametrize(("scale", "added"), [("ratio", -np.log(0.95)), ("points", 0.05)])
def test_a_planted_difference_is_a_share_of_the_worse_one_or_points(scale: Scale, added: float) -> None:
    assert planted(0.05, scale) == pytest.approx(added)


def test_a_steady_comparison_finds_five_percent_and_a_noisy_one_does_not() -> None:
    found, false = chances(STEADY, "ratio", LEVEL, chance_for("steady"))
    assert (found, false) == (ROUNDS, 0)
    found, false = chances(NOISY, "ratio", LEVEL, chance_for("noisy"))
    assert found < ROUNDS / 20
    assert false < ROUNDS / 20


def test_the_same_names_draw_the_same() -> None:
    draws = [chances(NOISY, "ratio", 0.05, chance_for(*names)) for names in ("ab", "ab", "ba")]
    assert draws[0] == draws[1] != draws[2]


def test_more_repetitions_are_needed_the_more_it_varies() -> None:
    few, more, many = (
        needed((STEADY - 0.07) * spread + 0.05, "ratio", LEVEL, chance_for("needed"), replaced=False)
        for spread in (4, 16, 60)
    )
    assert few == 15
    assert more is not None
    assert more > few
    assert many is None


def test_what_is_alike_needs_few_repetitions_unless_it_can_never_be_equivalent() -> None:
    alike = (STEADY - 0.07) * 2
    assert needed(alike, "ratio", LEVEL, chance_for("alike"), replaced=False) == 15
    assert needed(alike, "points", LEVEL, chance_for("alike"), replaced=True) is None
