"""`make verdicts`: how often a verdict of this bench is false, and how often it finds what is there; not a test.

Takes directories of stored runs. Of a run of several stacks, its repetitions are drawn again; of runs of one service
under several names (`--aa`), what was measured is counted. Exit status 0 where the aims are met, else 1.
"""

import sys
from collections.abc import Sequence
from time import monotonic
from typing import Final

import numpy as np
from tabulate import tabulate

from bench.analysis.comparison import Judged, drafted
from bench.analysis.rates import Rate, effective
from bench.analysis.resampling import Redrawn, draw_changes, rate, redraw, runs_with
from bench.analysis.rule import Flags
from bench.analysis.summary import counting, measure, summarise
from bench.record.schema import Run, played_as
from bench.record.stored import load
from bench.record.summary import Comparison

ROUNDS: Final = 1000
PLANTED: Final = (0.02, 0.05, 0.1)
"""What is to be found."""
FALSE: Final = (0.02, 0.03, 0.05)
"""What is not to be called equivalent."""
CHANGE_ROUNDS: Final = 200
CHANGE: Final = 0.1
"""Twice the margin of `bench compare`."""
SEED: Final = 1
MOST_FALSE: Final = 0.05
LEAST_FOUND: Final = 0.8
"""Of a planted 5 %."""
VERDICTS: Final = ("better", "equivalent", "undecided")
Rows = list[tuple[str, ...]]


def main(directories: Sequence[str]) -> int:
    began = monotonic()
    played, good = _Played(), True
    for directory in directories:
        stored = load(directory)
        metrics = counting(stored.run, measure(stored.rows(), stored.run.environment.cores))
        if len({played_as(name)[0] for name in stored.run.plan.services}) < len(stored.run.plan.services):
            played.add(directory, stored.run, summarise(stored.run, metrics).comparisons)
            continue
        drafts = drafted(stored.run.plan.scenarios, stored.run.plan.services, metrics, stored.run.plan.layer)
        judged = [each for each in drafts if isinstance(each, Judged)]
        family = [each for each in judged if not each.alike]
        if not family:
            sys.exit(f"{directory} has no comparison that differs at all: take a run of ten repetitions or more")
        alike = len(judged) - len(family)
        print(f"{directory}, drawn again: {ROUNDS} runs of {len(family)} comparisons; {alike} more do not vary\n")
        none = redraw(family, rounds=ROUNDS, seed=SEED)
        found = {size: redraw(family, rounds=ROUNDS, seed=SEED, share=size) for size in sorted({*PLANTED, *FALSE})}
        print(tabulate(_run_wide(none, found), ("run-wide", "rate", "95 % bound", "aim"), disable_numparse=True))
        changed = draw_changes(stored.run, metrics, rounds=CHANGE_ROUNDS, seed=SEED)
        seen = draw_changes(stored.run, metrics, rounds=CHANGE_ROUNDS, seed=SEED, planted=CHANGE)
        print("\n" + tabulate(_compare(changed, seen), ("bench compare", "rate", "95 % bound", "aim")))
        print("\n" + tabulate(_by_scenario(family, none, found), _headers(), disable_numparse=True) + "\n")
        right = rate(found[0.05].right)
        good &= max(runs_with(none.better).upper, changed.upper) <= MOST_FALSE
        good &= min(right.share, seen.share) >= LEAST_FOUND
    if played.rows:
        print(played.text())
        good &= not played.false
    print(f"({monotonic() - began:.0f} s)")
    return 0 if good else 1


def _run_wide(none: Redrawn, found: dict[float, Redrawn]) -> Rows:
    """Over all comparisons of a run."""
    false, undecided = runs_with(none.better), rate(~(none.better | none.equivalent))
    rows: Rows = [
        ("runs with a false winner", _text(false), f"< {_share(false.upper)}", f"≤ {_share(MOST_FALSE)}"),
        ("comparisons with one", _text(rate(none.better)), f"< {_share(rate(none.better).upper)}", ""),
        ("undecided, where there is nothing", _text(undecided), f"< {_share(undecided.upper)}", ""),
    ]
    for size in PLANTED:
        right = rate(found[size].right)
        aim = f"≥ {_share(LEAST_FOUND)}" if size == 0.05 else ""
        rows.append((f"a planted {100 * size:g} % found", _text(right), f"> {_share(right.lower)}", aim))
    for size in FALSE:
        wrong = rate(found[size].equivalent)
        rows.append((f"a planted {100 * size:g} % called equivalent", _text(wrong), f"< {_share(wrong.upper)}", ""))
    return rows


def _compare(changed: Rate, seen: Rate) -> Rows:
    return [
        ("false changes", _text(changed), f"< {_share(changed.upper)}", f"≤ {_share(MOST_FALSE)}"),
        (f"a planted {100 * CHANGE:g} % found", _text(seen), f"> {_share(seen.lower)}", f"≥ {_share(LEAST_FOUND)}"),
    ]


def _headers() -> tuple[str, ...]:
    planted = (f"{100 * size:g} % found" for size in PLANTED)
    false = (f"{100 * size:g} % called equivalent" for size in FALSE)
    return "scenario", "comparisons", "false winner", "undecided", *planted, *false


def _by_scenario(family: Sequence[Judged], none: Redrawn, found: dict[float, Redrawn]) -> Rows:
    """The comparisons of a scenario together."""
    names = np.array([each.comparison.scenario for each in family])

    def of(flags: Flags, name: str) -> str:
        return _share(rate(flags[:, names == name]).share)

    return [
        (
            name,
            str(int((names == name).sum())),
            of(none.better, name),
            of(~(none.better | none.equivalent), name),
            *(of(found[size].right, name) for size in PLANTED),
            *(of(found[size].equivalent, name) for size in FALSE),
        )
        for name in dict.fromkeys(names.tolist())
    ]


class _Played:
    """One service under several names, as it was measured: comparisons that vary, and winners, which are false."""

    def __init__(self) -> None:
        self.rows: Rows = []
        self.false = self._count = 0
        self._worth = 0.0

    def add(self, directory: str, run: Run, comparisons: Sequence[Comparison]) -> None:
        names = len(run.plan.services)
        judged = [each for each in comparisons if each.p_value is not None]
        varied = [each for each in judged if each.percent_low or each.percent_high or each.percent]
        of = {verdict: sum(each.verdict == verdict for each in varied) for verdict in VERDICTS}
        worth = len(varied) * effective(names) / (names * (names - 1) / 2)
        self.rows.append(
            (directory, str(names), str(len(judged)), str(len(varied)), f"{worth:.0f}", *(str(of[v]) for v in VERDICTS))
        )
        self.false += of["better"]
        self._count += len(varied)
        self._worth += worth

    def text(self) -> str:
        headers = ("played", "names", "comparisons", "that vary", "worth", "false winners", *VERDICTS[1:])
        bound = Rate(found=self.false, of=round(self._worth)).upper
        return (
            tabulate(self.rows, headers, disable_numparse=True)
            + f"\n{self.false} false winners in {self._count} comparisons that vary, which are worth "
            f"{self._worth:.0f} independent ones: 95 % bound < {_share(bound)}\n"
        )


def _text(found: Rate) -> str:
    return f"{found.found} of {found.of} ({_share(found.share)})"


def _share(value: float) -> str:
    return f"{100 * value:.2f} %"


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("use: python -m perf.verdicts DIRECTORY…, each with a stored run of ten repetitions or more")
    sys.exit(main(sys.argv[1:]))
