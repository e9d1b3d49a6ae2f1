"""The cells of a plan in the order of play, how long each takes at a guess, and which cannot be played."""

from collections.abc import Callable
from typing import Final

from bench.analysis.forecast import forecast
from bench.record.schema import Cell, Plan
from bench.run import in_process
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.model import Asked, Scenario
from bench.scenarios.seeds import cell_seed
from bench.targets.target import Target
from services.common import contract
from services.stacks import shipped_overflow
from services.workload.loads import length_s

START_ESTIMATE_S: Final = 2.2
"""Start, warm-up and stop of one service process; only the first guess of the time left rests on it."""


def planned_cells(plan: Plan, stack: Callable[[str], str] = str) -> list[Cell]:
    """Every cell in the order of play. Services take turns in being first, and every other repetition is played
    backwards (ABC, CBA, BCA, ACB, …), so that each of a pair is before the other as often as after it.

    `stack` says which service stands behind a name.
    """
    cells = []
    for repetition in range(plan.repeat):
        turn = repetition // 2 % len(plan.services)
        order = plan.services[turn:] + plan.services[:turn]
        if repetition % 2:
            order = order[::-1]
        for name in plan.scenarios:
            scenario = SCENARIOS[name]
            asked = scenario.at(plan.hold_ms, plan.release)
            cells += [_cell(plan, scenario, asked, service, stack(service), repetition) for service in order]
    return cells


def unfit_for(plan: Plan, target: Target, cell: Cell) -> str | None:
    """Why a cell of this plan cannot be played on this target; None where it can."""
    return _unreleased(plan, cell) or (in_process.unfit(cell) if plan.layer == "pool" else None) or target.unfit(cell)


def _unreleased(plan: Plan, cell: Cell) -> str | None:
    path = SCENARIOS[cell.scenario].path.partition("?")[0]
    if plan.release != "context-manager" or path in (*contract.ONE_CHECKOUT, contract.NOOP):
        return None
    return f"it asks for {path}, whose handlers release explicitly"


def estimate_s(cell: Cell) -> float:
    """A first guess of how long a cell takes in all, in seconds."""
    by_load = max(cell.forecast.wall_s or 0.0, length_s(cell.load))
    return START_ESTIMATE_S + (by_load or cell.acquire_timeout_s)


def _cell(plan: Plan, scenario: Scenario, asked: Asked, service: str, stack: str, repetition: int) -> Cell:
    overflow = shipped_overflow(stack) if plan.tuning == "as_shipped" else 0
    return Cell(
        scenario=scenario.name,
        service=service,
        repetition=repetition,
        seed=cell_seed(plan.seed, scenario.name, repetition),
        hold_ms=asked.hold_ms,
        acquire_timeout_s=asked.acquire_timeout_s,
        pool_size=scenario.pool_size,
        capacity=scenario.pool_size + overflow,
        load=asked.load,
        forecast=forecast(asked, scenario.pool_size + overflow),
        status="ok",
    )
