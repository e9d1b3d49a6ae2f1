"""What makes the figures of a run less than was asked for, and what to type next."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from bench.analysis.statistics import REPETITIONS_TO_JUDGE
from bench.analysis.summary import left_out
from bench.report import prose, verdicts, words
from bench.report.glance import tells
from bench.report.left_out import failure, skips
from bench.report.view import View

MOST: Final = 3
"""How many things of a kind are told; the details have the others."""


def warnings(view: View) -> Iterator[str]:
    """What makes the figures less than was asked for, each with what to do."""
    yield from _not_played(view)
    lost = left_out(view.run)
    yield from (f"{cell.status}: {cell.scenario} · {failure(view, cell)}" for cell in lost[:MOST])
    if len(lost) > MOST:
        yield f"{len(lost)} cells in all failed or were rejected: --details lists them"
    yield from prose.noise(view.others())
    yield from _first((f"{name} · {text}" for name in view.scenarios for text in skips(view, name)), "skipped")
    again = {cell.key[::2] for cell in view.run.replaced if cell.status == "rejected"}
    if again:
        yield f"{words.counted(len(again), 'repetition')} played again because an audit failed: --details says why"
    yield from _first(verdicts.warnings(view, foretold=False), "wide")


def commands(view: View, directory: str, *, details: bool) -> tuple[tuple[str, str], ...]:
    """What to type next: (what it gives, the command). `directory` is where the run is stored."""
    shown = ([name for name in view.scenarios if tells(view, name)] or [*view.scenarios])[:1]
    return (
        *([] if details else [("all tables", f"bench report {directory} --details")]),
        *(("one scenario", f"bench report {directory} -x {name}") for name in shown),
        *([("go on", f"the same command with --out {directory} --resume")] if _resumable(view) else []),
        *([("verdicts", _with_verdicts(view))] if _judges_more(view) else []),
    )


def _resumable(view: View) -> bool:
    return bool(left_out(view.run)) or any(_not_played(view))


def _judges_more(view: View) -> bool:
    """Whether a run with repetitions enough is to be advised."""
    plan = view.run.plan
    return plan.repeat < REPETITIONS_TO_JUDGE and len(view.services) > 1 and plan.target == "local"


def _with_verdicts(view: View) -> str:
    if view.run.environment.columns:
        return f"the same command with --repeat {REPETITIONS_TO_JUDGE}"
    return "bench run --profile standard" + (" --layer pool" if view.run.plan.layer == "pool" else "")


def _not_played(view: View) -> Iterator[str]:
    """A run that was broken off."""
    plan, played = view.run.plan, len(view.run.cells)
    asked = plan.repeat * len(plan.services) * len(plan.scenarios)
    if played < asked and plan.half_width is None:
        yield f"broken off: {played} of {asked} cells were played"


def _first(lines: Iterable[str], what: str) -> Iterator[str]:
    every = list(lines)
    yield from islice(every, MOST)
    if len(every) > MOST:
        yield f"{what}: {len(every) - MOST} more, see --details"
