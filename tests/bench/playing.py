"""One cell on the pool alone, as a run would play it."""

from bench.postgres.database import Database
from bench.record.schema import Cell, Plan
from bench.run import cell as cells
from bench.run.cell import Played
from bench.run.conditions import Conditions
from bench.run.in_process import PoolExecutor
from bench.scenarios.catalogue import SCENARIOS
from bench.targets.target import Target

BOOKS = ("counts", "integrals", "statements", "settings", "rest")
"""The checks of the audit that rest on what the pool and PostgreSQL have counted."""


def play(cell: Cell, plan: Plan, database: Database) -> Played:
    conditions = Conditions(
        database=database,
        local_database=False,
        tuning="equalised",
        work_units=0,
    )
    asked = SCENARIOS[cell.scenario].at(plan.hold_ms)
    return cells.play(cell, asked, conditions, PoolExecutor(Target(database, local=False)))
