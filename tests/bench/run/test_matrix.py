"""The matrix of a plan: who is played when, and with which seed."""

from dataclasses import replace
from itertools import combinations

import pytest

from bench.record.schema import Plan
from bench.run.matrix import START_ESTIMATE_S, estimate_s, planned_cells, unfit_for
from bench.scenarios.catalogue import SCENARIOS
from bench.targets.target import Target
from services.workload.loads import length_s
from tests.bench import made


def plan(*scenarios: str, repeat: int = 1) -> Plan:
    return made.plan(services=made.SERVICES, scenarios=scenarios, repeat=repeat)


def test_services_take_turns_in_being_first() -> None:
    cells = planned_cells(plan("one", "burst-10", repeat=4))

    first = [
        [cell.service for cell in cells if (cell.repetition, cell.scenario) == (repetition, "one")]
        for repetition in range(4)
    ]
    a, b, c = made.SERVICES
    assert first == [[a, b, c], [c, b, a], [b, c, a], [a, c, b]]
    assert len({cell.key for cell in cells}) == len(cells) == 4 * 2 * 3


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_each_of_a_pair_is_first_as_often_as_the_other(count: int) -> None:
    services = tuple(f"s{nth}" for nth in range(count))
    cells = planned_cells(made.plan(services=services, scenarios=("one",), repeat=10))
    orders = [[cell.service for cell in cells if cell.repetition == repetition] for repetition in range(10)]
    for one, other in combinations(services, 2):
        assert sum(order.index(one) < order.index(other) for order in orders) == 5


def test_another_way_to_release_is_not_played_where_a_path_has_one_alone() -> None:
    asked = replace(plan("burst-10", "several-short", "floor"), release="context-manager")
    nowhere = Target(None, local=True)
    found = {cell.scenario: unfit_for(asked, nowhere, cell) for cell in planned_cells(asked)}
    assert found == {
        "burst-10": None,
        "several-short": "it asks for /api/several, whose handlers release explicitly",
        "floor": None,
    }


def test_services_of_a_repetition_meet_the_same_seed_and_repetitions_another() -> None:
    cells = planned_cells(plan("burst-10", repeat=3))

    assert len({cell.seed for cell in cells}) == 3
    assert {
        repetition: len({cell.seed for cell in cells if cell.repetition == repetition}) for repetition in range(3)
    } == {
        0: 1,
        1: 1,
        2: 1,
    }


def test_a_cell_s_key_is_its_place_in_the_matrix() -> None:
    cell = planned_cells(plan("one"))[0]
    assert cell.key == ("one", "asyncpg_fastapi", 0)


def test_a_cell_is_estimated_by_its_own_load() -> None:
    """A load of a scenario with a shorter hold is no shorter, and one with a hold of its own does not follow the
    plan's."""
    for name in ("several-short", "leak-kept"):
        (cell, *_) = planned_cells(plan(name))
        length = length_s(SCENARIOS[name].at(100).load)
        assert length > 0
        assert estimate_s(cell) >= START_ESTIMATE_S + length
