"""The runs of a folder, as an index names them."""

from collections import Counter
from dataclasses import dataclass

from bench.report import prose
from bench.report.view import View


@dataclass(frozen=True, kw_only=True)
class Published:
    """One run of the index."""

    name: str
    """Its folder."""
    page: str
    """Where its page lies, seen from the index."""
    what: str
    """Layer, tuning and what else was asked for."""
    when: str
    machine: str
    stacks: tuple[str, ...]
    scenarios: tuple[str, ...]
    judged: str
    verdicts: str
    """`6 better, 40 equivalent, 2 undecided`; "" where nothing was judged."""


def published(name: str, page: str, view: View) -> Published:
    """A run of the index."""
    plan, env = view.run.plan, view.run.environment
    counts = Counter(found.verdict for found in view.summary.comparisons)
    said = [f"{counts[kind]} {kind}" for kind in ("better", "equivalent", "undecided") if counts[kind]]
    where = "pools alone" if plan.layer == "pool" else prose.place(view) or "over HTTP"
    return Published(
        name=name,
        page=page,
        what=", ".join(part for part in (where, plan.tuning, prose.release(plan)) if part),
        when=env.started[:10],
        machine=f"{env.cpu}, {env.cores} cores",
        stacks=tuple(map(view.stack, view.services)),
        scenarios=view.scenarios,
        judged=view.judged(),
        verdicts=", ".join(said),
    )
