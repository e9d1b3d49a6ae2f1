"""The planned contrasts: what each names is all in which its two stacks differ."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.contrasts import CONTRASTS, OF_A_FACTOR, Contrast, Layer, contrasts, differing
from services.stacks import STACKS, usual
from services.stacks_from import load
from tests import elsewhere

PLANNED = pytest.mark.parametrize("contrast", CONTRASTS, ids=lambda contrast: f"{contrast.a}-{contrast.b}")


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    with elsewhere.registry():
        yield


@pytest.mark.parametrize(
    ("contrast", "layer"),
    [
        pytest.param(contrast, layer, id=f"{contrast.a}-{contrast.b}-{layer}")
        for contrast in CONTRASTS
        for layer in contrast.layers
    ],
)
def test_a_factor_is_named_where_nothing_else_differs(contrast: Contrast, layer: Layer) -> None:
    factor, fields = contrast.named(layer), frozenset(differing(STACKS[contrast.a], STACKS[contrast.b], layer))
    if factor is None:
        assert len(fields) > 1
        assert fields not in OF_A_FACTOR.values()
    else:
        assert fields == OF_A_FACTOR[factor]


@PLANNED
def test_where_nothing_differs_nothing_is_compared(contrast: Contrast) -> None:
    """But for what no field tells, and then the factor says it."""
    alike = not differing(STACKS[contrast.a], STACKS[contrast.b], "pool")
    assert ("pool" in contrast.layers) is (not alike or contrast.alone == "database layer")


def test_every_stack_is_in_a_contrast_that_names_a_factor() -> None:
    told = {name for contrast in CONTRASTS if contrast.factor for name in (contrast.a, contrast.b)}
    assert told == STACKS.keys()


def test_no_pair_is_planned_twice() -> None:
    pairs = [frozenset((contrast.a, contrast.b)) for contrast in CONTRASTS]
    assert len(set(pairs)) == len(pairs)


def test_the_usual_stacks_are_all_compared_with_each_other() -> None:
    names = [stack.name for stack in usual()]
    assert len(contrasts(names)) == len(names) * (len(names) - 1) // 2


def test_what_is_not_planned_is_not_compared() -> None:
    assert contrasts(("asyncpg_fastapi",)) == ()
    assert len(contrasts(tuple(STACKS))) == len(CONTRASTS) < len(STACKS) * (len(STACKS) - 1) / 2


def test_a_stack_from_elsewhere_is_compared_with_all_and_names_what_differs(tmp_path: Path) -> None:
    load(elsewhere.write_stack(tmp_path, driver="'psycopg'", pool="'my pool'"))

    found = contrasts(("asyncpg_fastapi", "psycopg_flask", "mine"))

    assert [(each.a, each.b, each.factor, each.alone) for each in found] == [
        ("asyncpg_fastapi", "psycopg_flask", None, None),
        ("asyncpg_fastapi", "mine", None, None),
        ("psycopg_flask", "mine", "pool", "pool"),
    ]


def test_a_service_of_no_stack_names_no_factor() -> None:
    (found,) = contrasts(("asyncpg_fastapi", "somewhere"))
    assert (found.factor, found.alone) == (None, None)
