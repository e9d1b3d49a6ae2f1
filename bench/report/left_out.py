"""Which cells are in no figure, and why."""

from collections.abc import Iterator

from bench.analysis.summary import disturbed_alone, left_out, skipped
from bench.record.schema import Cell
from bench.report import audits
from bench.report.view import View


def failures(view: View) -> tuple[str, ...]:
    """What was left out, or is shown with a mark alone: a line for each cell that failed or was rejected and for each
    reason to skip some; and what was played again."""
    failed = (f"{cell.scenario} · {failure(view, cell)}" for cell in left_out(view.run))
    marked = (f"shown with a mark: {cell.scenario} · {failure(view, cell)}" for cell in disturbed_alone(view.run))
    not_played = (f"{name} · {text}" for name in view.scenarios for text in skips(view, name))
    return (*failed, *marked, *not_played, *audits.played_again(view))


def skips(view: View, name: str) -> Iterator[str]:
    """Why cells were not played, once for each reason."""
    reasons: dict[str, list[str]] = {}
    for cell in skipped(view.run):
        if cell.scenario == name and cell.service not in reasons.setdefault(cell.why or "not said", []):
            reasons[cell.why or "not said"].append(cell.service)
    for why, services in reasons.items():
        whose = "" if len(services) == len(view.services) else f"{', '.join(map(view.stack, services))}: "
        yield f"skipped: {whose}{why}"


def failure(view: View, cell: Cell) -> str:
    """One line of a cell that failed or was rejected."""
    why = (cell.why or "it failed").splitlines()[0]
    return f"{view.stack(cell.service)}, repetition {cell.repetition + 1}: {why}"
