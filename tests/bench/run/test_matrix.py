"""The matrix of a plan: who is played when, and with which seed."""

from bench.record.schema import Plan
from bench.run.matrix import START_ESTIMATE_S, estimate_s, planned_cells
from bench.scenarios.catalogue import SCENARIOS
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
    assert first == [[a, b, c], [b, c, a], [c, a, b], [a, b, c]]
    assert len({cell.key for cell in cells}) == len(cells) == 4 * 2 * 3


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
