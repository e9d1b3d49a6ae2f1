"""One cell on the pool alone, as the runner would play it.

In: a cell of a plan, and a database. Out: what was played.
"""

import pytest

from bench.postgres.database import Database
from bench.record.schema import Cell, Plan
from bench.run import alone
from bench.run.cell import Conditions, Played
from bench.scenarios.catalogue import SCENARIOS

BOOKS = ("counts", "integrals", "statements", "settings", "rest")
"""The checks of the audit that rest on what the pool and PostgreSQL have counted."""


def play(cell: Cell, plan: Plan, database: Database) -> Played:
    conditions = Conditions(
        open=lambda *_: pytest.fail("no service is opened"),
        database=database,
        local_database=False,
        tuning="equalised",
        work_units=0,
    )
    return alone.play(cell, SCENARIOS[cell.scenario].at(plan.hold_ms, base_url=""), conditions)
