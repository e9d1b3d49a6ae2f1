"""Does a cell's measurement hold? Its own counts, clocks and circumstances, each against a second source."""

from collections.abc import Iterable, Sequence

import polars as pl

from bench.analysis import audit_books as books
from bench.analysis import audit_conditions as conditions
from bench.analysis.client_saw import seen
from bench.record.schema import AuditCheck, Cell, Event

CHECKS = (
    "counts", "integrals", "statements", "backends", "schedule", "cpu", "machine", "settings", "clock", "rest",
)  # fmt: skip
"""The names of all checks, in the order in which they are told."""


DISTURBED = frozenset({"schedule", "machine"})
"""Checks that fail where the machine was busy with something else."""


def disturbed(cell: Cell) -> bool:
    """Whether a cell was played to its end, and nothing in its audit failed but what a busy machine makes fail."""
    failed = {check.name for check in cell.audit if check.verdict == "failed"}
    return cell.status in ("ok", "rejected") and bool(failed) and failed <= DISTURBED


def audit(
    cell: Cell, requests: pl.DataFrame, samples: pl.DataFrame, events: Iterable[Event], cores: int | None = None
) -> tuple[AuditCheck, ...]:
    """Every audit check of a cell that was played, in the order of `CHECKS`.

    Frames and events hold only what is the cell's.

    What cannot be looked at is "not checked", never "passed". A cell with one "failed" is in no figure.

    `cores` are those of the machine.
    """
    happened = tuple(events)
    saw = seen(requests, happened)
    return (
        books.counts(cell, saw),
        books.integrals(cell, requests, happened),
        books.statements(cell, saw),
        conditions.backends(cell, samples, happened),
        conditions.schedule(cell, cores),
        conditions.cpu(cell, cores),
        conditions.machine(cell),
        conditions.settings(cell, requests),
        conditions.clock(requests),
        books.rest(cell, happened),
    )


def rejection(checks: Sequence[AuditCheck], *, judging: bool = True) -> str | None:
    """Why a cell is in no figure, by its first failed check; None where it may be.

    Where nothing is judged, a disturbed machine is told, and the figures are shown all the same.
    """
    failed = (check for check in checks if check.verdict == "failed")
    counting = (check for check in failed if judging or check.name not in DISTURBED)
    return next((f"audit, {check.name}: {check.detail}" for check in counting), None)
