"""Which stack is better, as a table: a line for each scenario, and below it what is too uncertain."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from bench.analysis.claims import CLAIMS
from bench.analysis.judged_by import primary_of
from bench.analysis.redraw import PLANTED, REPETITIONS
from bench.analysis.rule import MARGIN
from bench.analysis.stability import Unstable, unstable
from bench.analysis.statistics import REPETITIONS_TO_JUDGE
from bench.record.schema import played_as
from bench.record.summary import Comparison
from bench.report import words
from bench.report.table import Table
from bench.report.view import View
from services.contrasts import contrasts

ALONE: Final = "one stack: nothing to compare"
UNPLANNED: Final = "no contrast is planned between these stacks: they are not compared"
UNJUDGED: Final = ("not judged", "CPU-bound")


def verdicts(view: View, scenario: str | None = None) -> tuple[Table, ...]:
    """The table of verdicts, of one scenario or of all; none where no repetitions judge or warn."""
    compared = [found for found in view.summary.comparisons if scenario in (None, found.scenario)]
    wide = tuple(warnings(view, scenario))
    if not wide and all(found.verdict == "not judged" for found in compared):
        return ()
    return (
        Table(
            title="Verdicts",
            about=about() if compared else "",
            headers=("scenario", "figure", "verdict", f"finds {100 * PLANTED:.0f} %", "false win"),
            rows=tuple(_row(view, name, compared) for name in view.scenarios if scenario in (None, name)),
            notes=(*_notes(compared), *wide),
        ),
    )


def nothing(view: View) -> str:
    """Why a run compares no stacks; "" where it does."""
    if contrasts(view.services, view.run.plan.layer):
        return ""
    return ALONE if len(view.services) == 1 else UNPLANNED


def verdict(compared: Sequence[Comparison], called: Callable[[str], str] = words.stack) -> tuple[str, ...]:
    """What is found of all pairs of stacks of a scenario, in clauses; `called` says what a service is called."""
    if not compared:
        return (ALONE,)
    said = {_only(found) for found in compared if found.verdict in UNJUDGED}
    if len(said) == 1 and all(found.verdict in UNJUDGED for found in compared):
        return tuple(said)
    if all(found.verdict == "equivalent" for found in compared):
        return (f"equivalent{within(compared)}",)
    return clauses(compared, called)


def clauses(compared: Sequence[Comparison], called: Callable[[str], str]) -> tuple[str, ...]:
    """A clause for each pair, and one for all that a stack is better than by the same."""
    alike: dict[object, list[Comparison]] = {}
    for found in compared:
        same = (found.better, found.factor, by(found)) if found.better else id(found)
        alike.setdefault(same, []).append(found)
    return tuple(_better_than(of, called) if of[0].better else clause(of[0], called) for of in alike.values())


def _better_than(alike: Sequence[Comparison], called: Callable[[str], str]) -> str:
    losers = [found.b if found.better == found.a else found.a for found in alike]
    better, *worse = apart([alike[0].better or "", *losers], called)
    return f"{_factor(alike[0])}{better} better than {' and '.join(worse)} by {by(alike[0])}"


def apart(services: Sequence[str], called: Callable[[str], str]) -> tuple[str, ...]:
    """What services are called beside one another: columns of one stack by the versions in which they differ."""
    labels = tuple(map(called, services))
    return words.apart(*labels) if len({played_as(service)[0] for service in services}) == 1 else labels


def _factor(found: Comparison) -> str:
    """`pool: `, where that is all in which the two differ."""
    return f"{found.factor}: " if found.factor else ""


def best(compared: Iterable[Comparison]) -> tuple[str, ...]:
    """The services of a scenario that are better than another, and than which none is better."""
    pairs = [(found.better, found.b if found.better == found.a else found.a) for found in compared if found.better]
    beaten = {worse for _, worse in pairs}
    return tuple(dict.fromkeys(better for better, _ in pairs if better and better not in beaten))


def percent(value: float) -> str:
    """`4.2`, `48`: two digits at least, without its sign."""
    return f"{abs(value):.0f}" if abs(value) >= 10 else f"{abs(value):.1f}"


def about() -> str:
    """How a table of verdicts is to be read."""
    margin = f"{100 * MARGIN:.0f} %"
    return (
        f"pairs within repetitions, on the figure named, at least {REPETITIONS_TO_JUDGE} repetitions; better: by over "
        f"{margin} of the worse one (shares: {100 * MARGIN:.0f} points), corrected over the run; equivalent: the whole "
        f"95 % interval, in brackets, within {margin}; undecided: neither; finds {100 * PLANTED:.0f} %: how often a "
        "planted difference of that size is found in these repetitions, drawn again; false win: how often one that is "
        "not there, at most; a word in front, as “pool:”, is all in which the two differ"
    )


def _row(view: View, name: str, compared: Iterable[Comparison]) -> tuple[str, ...]:
    absent = dict.fromkeys(view.absent(name, service) for service in view.services)
    compared = [found for found in compared if found.scenario == name]
    clauses = verdict(compared, view.stack) if "" in absent else (", ".join(absent),)
    return name, view.label(name, primary_of(name), short=True), "\n".join(clauses), *sure(compared)


def sure(compared: Sequence[Comparison]) -> tuple[str, str]:
    """The power of a scenario's comparisons, from the least to the most, and the bound on their false winners."""
    finds = [100 * found.finds for found in compared if found.finds is not None]
    false = [100 * found.false_winner for found in compared if found.false_winner is not None]
    if not finds or not false:
        return "", ""
    least, most = (f"{math.floor(end)}" for end in (min(finds), max(finds)))
    return f"{least} %" if least == most else f"{least}–{most} %", f"< {math.ceil(10 * max(false)) / 10:.1f} %"


def clause(found: Comparison, called: Callable[[str], str]) -> str:
    """What is found of one pair."""
    a, b = apart((found.a, found.b), called)
    pair = f"{_factor(found)}{a} and {b}"
    if found.verdict == "equivalent":
        return f"{pair} equivalent{within([found])}"
    if found.verdict == "undecided":
        return f"{pair} undecided: {between(found, a)}"
    return _better_than([found], called) if found.better else f"{pair}: {_only(found)}"


def amount(found: Comparison) -> str:
    """`48 %`, `74 points`: by how much one is better."""
    return f"{percent(found.percent or 0.0)}{_unit(found)}"


def by(found: Comparison) -> str:
    """`48 % (34–62 %)`, `74 points (100 % and 26 % were served)`."""
    by, *ends = (percent(each or 0.0) for each in (found.percent, found.percent_low, found.percent_high))
    unit = _unit(found)
    interval = "" if ends == [by, by] else "–".join(sorted(ends, key=float)) + unit
    said = "; ".join(part for part in (interval, found.why) if part)
    return f"{by}{unit} ({said})" if said else f"{by}{unit}"


def between(found: Comparison, a: str) -> str:
    """`asyncpg + FastAPI 3.1 % worse to 5.0 % better, 40 repetitions would decide`."""
    low, high = found.percent_low or 0.0, found.percent_high or 0.0
    why = f" ({found.why})" if found.why else ""
    ends = [f"{percent(end)}{_unit(found)} {'better' if end > 0 else 'worse'}" for end in (low, high)]
    return f"{a} {' to '.join(dict.fromkeys(ends))}{why}, {_would_tell(found)}"


def _would_tell(found: Comparison) -> str:
    if found.needed is None:
        return f"over {REPETITIONS[-1]} repetitions to decide"
    return f"{found.needed} repetitions would decide"


def _unit(found: Comparison) -> str:
    return " points" if found.scale == "points" else " %"


def within(alike: Sequence[Comparison]) -> str:
    """How far the intervals reach, which is how large a difference may still be there."""
    ends = [(abs(end), _unit(found)) for found in alike for end in (found.percent_low, found.percent_high) if end]
    if not ends:
        return " (the same in every repetition)"
    furthest, unit = max(ends)
    return f" (within {percent(furthest) if furthest >= 0.1 else '0.1'}{unit})"


def _only(found: Comparison) -> str:
    return found.why if found.verdict == "CPU-bound" else f"not judged: {found.why}"


def _notes(compared: Sequence[Comparison]) -> Iterator[str]:
    """What became of the claims."""
    tested = [found for found in compared if found.claim is not None]
    if not tested:
        return
    held = [found for found in tested if found.claim]
    failed = ", ".join(f"{found.scenario} ({found.a} and {found.b})" for found in tested if not found.claim)
    yield (
        f"{len(held)} of {words.counted(len(tested), 'claim')} named beforehand hold by Wilcoxon's test alone, "
        f"corrected over all {len(CLAIMS)}{f'; not: {failed}' if failed else ''}"
    )


def warnings(view: View, scenario: str | None = None, *, foretold: bool = True) -> Iterator[str]:
    """Whose intervals are too wide, in one scenario or in all, and what to do; also where that is `foretold`, so that
    nothing can be done."""
    alike: dict[tuple[str, str], list[str]] = {}
    for found in unstable(view.summary):
        if scenario not in (None, found.scenario) or (not foretold and _foretold(view, found)):
            continue
        wide = "without end" if math.isinf(found.half_width) else f"±{percent(100 * found.half_width)} %"
        said = f"spread {wide}{_advice(view, found)}"
        alike.setdefault((found.scenario, said), []).append(view.stack(found.service))
    for (name, said), stacks in alike.items():
        yield f"{name}, {', '.join(stacks)}: {said}"


def _foretold(view: View, found: Unstable) -> float | None:
    """How far the forecast's own interval reaches, as a share; None where it does not explain what was measured."""
    foretold = view.foretold_half_width(found.scenario, found.service, primary_of(found.scenario))
    return foretold if foretold >= found.half_width / 2 else None


def _advice(view: View, found: Unstable) -> str:
    if foretold := _foretold(view, found):
        return f", by forecast ±{percent(100 * foretold)} %: arrivals differ between repetitions; compare within them"
    if found.repeat:
        return f": use --repeat {found.repeat} or a quieter machine"
    return ": use a quieter machine; on one that is quiet, the stack itself varies"
