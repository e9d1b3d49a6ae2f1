"""Which stack is better, as a table: a line for each scenario, and below it what is too uncertain."""

import math
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from bench.analysis.comparison import TIE
from bench.analysis.judged_by import primary_of
from bench.analysis.stability import Unstable, unstable
from bench.analysis.statistics import REPETITIONS_TO_JUDGE
from bench.record.summary import Comparison
from bench.report import words
from bench.report.table import Table
from bench.report.view import View

ALONE: Final = "one stack: nothing to compare"


def verdicts(view: View, width: int | None = None) -> tuple[Table, ...]:
    """The table of verdicts, its last column no wider than `width`; none where no repetitions judge or warn."""
    compared = view.summary.comparisons
    warnings = tuple(_warnings(view))
    if not warnings and all(found.verdict == "not judged" for found in compared):
        return ()
    rows = tuple(_row(view, name, compared, width) for name in view.scenarios)
    about = (
        f"pairs within repetitions, on the figure named; better: by at least {100 * TIE:.0f} %, and the interval in "
        f"brackets leaves out zero, corrected over all comparisons of the run; at least {REPETITIONS_TO_JUDGE} "
        "repetitions"
    )
    return (
        Table(
            title="Verdicts",
            about=about if compared else "",
            headers=("scenario", "figure", "verdict"),
            rows=rows,
            notes=warnings,
        ),
    )


def verdict(compared: Sequence[Comparison], called: Callable[[str], str] = words.stack) -> tuple[str, ...]:
    """What is found of all pairs of stacks of a scenario, in clauses; `called` says what a service is called."""
    if not compared:
        return (ALONE,)
    said = {_only(found) for found in compared if found.verdict in ("not judged", "CPU-bound")}
    if len(said) == 1 and all(found.verdict in ("not judged", "CPU-bound") for found in compared):
        return tuple(said)
    ties = [found for found in compared if found.verdict == "tie"]
    if len(ties) == len(compared):
        reasons = dict.fromkeys(found.why for found in ties if found.why)
        return (f"tie{_within(ties)}", *reasons)
    return tuple(_clause(found, called) for found in compared)


def percent(value: float) -> str:
    """`4.2`, `48`: two digits at least, without its sign."""
    return f"{abs(value):.0f}" if abs(value) >= 10 else f"{abs(value):.1f}"


def _row(view: View, name: str, compared: Iterable[Comparison], width: int | None) -> tuple[str, ...]:
    absent = dict.fromkeys(view.absent(name, service) for service in view.services)
    compared = [found for found in compared if found.scenario == name]
    clauses = verdict(compared, view.stack) if "" in absent else (", ".join(absent),)
    if width is not None:
        clauses = tuple(line for clause in clauses for line in textwrap.wrap(clause, width, subsequent_indent="  "))
    return name, view.label(name, primary_of(name), short=True), "\n".join(clauses)


def _clause(found: Comparison, called: Callable[[str], str]) -> str:
    a, b = called(found.a), called(found.b)
    if found.verdict == "tie":
        return _with_reason(f"{a} and {b} tie{_within([found])}", found)
    if found.verdict != "better":
        return f"{a} and {b}: {_only(found)}"
    better, worse = (a, b) if found.better == found.a else (b, a)
    return _with_reason(f"{better} better than {worse} by {_by(found)}", found)


def _by(found: Comparison) -> str:
    """`48 % (34–62 %)`; in the unit of the metric where the worse one has nothing to take a share of."""
    if found.percent is None or found.percent_low is None or found.percent_high is None:
        by, *ends = (f"{abs(end or 0.0):g}" for end in (found.difference, found.low, found.high))
        unit = ""
    else:
        by, *ends = map(percent, (found.percent, found.percent_low, found.percent_high))
        unit = " %"
    if ends == [by, by]:
        return f"{by}{unit}"
    low, high = sorted(ends, key=float)
    return f"{by}{unit} ({low}–{high}{unit})"


def _within(ties: Sequence[Comparison]) -> str:
    """How far the intervals reach, which is how large a difference may still be there."""
    ends = [abs(end) for found in ties for end in (found.percent_low, found.percent_high) if end is not None]
    furthest = max(ends, default=0.0)
    return f" (to within {percent(furthest)} %)" if furthest else ""


def _with_reason(text: str, found: Comparison) -> str:
    return f"{text} ({found.why})" if found.why else text


def _only(found: Comparison) -> str:
    return found.why if found.verdict == "CPU-bound" else f"not judged: {found.why}"


def _warnings(view: View) -> Iterator[str]:
    alike: dict[tuple[str, str], list[str]] = {}
    for found in unstable(view.summary):
        wide = "without end" if math.isinf(found.half_width) else f"±{percent(100 * found.half_width)} %"
        said = f"spread {wide}{_advice(view, found)}"
        alike.setdefault((found.scenario, said), []).append(view.stack(found.service))
    for (scenario, said), stacks in alike.items():
        yield f"{scenario}, {', '.join(stacks)}: {said}"


def _advice(view: View, found: Unstable) -> str:
    foretold = view.foretold_half_width(found.scenario, found.service, primary_of(found.scenario))
    if foretold >= found.half_width / 2:
        return f", by forecast ±{percent(100 * foretold)} %: arrivals differ between repetitions; compare within them"
    if found.repeat:
        return f": use --repeat {found.repeat} or a quieter machine"
    return ": use a quieter machine; on one that is quiet, the stack itself varies"
