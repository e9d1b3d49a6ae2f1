"""Seeds of cells: the same for ever, and apart."""

from bench.scenarios.seeds import cell_seed


def test_a_cell_s_seed_is_the_same_for_ever() -> None:
    assert cell_seed(1, "ramp", 0) == 1584429191
    assert (
        len({cell_seed(seed, name, repetition) for seed in (1, 2) for name in ("a", "b") for repetition in (0, 1)}) == 8
    )
