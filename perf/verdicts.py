"""`make verdicts`: how often a verdict of this bench is false, and how often it finds what is there; not a test.

Takes the directory of a stored run; exit status 0 where both aims are met, else 1.
"""

import sys
from time import monotonic
from typing import Final

from tabulate import tabulate

from bench.analysis.comparison import ALPHA
from bench.analysis.resampling import Drawn, Rate, by_scenario, draw, draw_changes, false_winners, right_winners
from bench.analysis.statistics import REPETITIONS_TO_JUDGE
from bench.analysis.summary import counting, measure, summarise
from bench.record.schema import played_as
from bench.record.stored import load

ROUNDS: Final = 1000
"""Of each service against itself; a round is one comparison in each scenario."""
PLANTED: Final = 0.05
CHANGE_ROUNDS: Final = 200
"""Of a run against itself."""
CHANGE: Final = 0.1
"""Twice what `bench compare` calls a tie."""
SEED: Final = 1
MOST_FALSE: Final = 0.05
LEAST_FOUND: Final = 0.8


def main(directory: str) -> int:
    began = monotonic()
    stored = load(directory)
    metrics = counting(stored.run, measure(stored.rows(), stored.run.environment.cores))
    alike = draw(metrics, rounds=ROUNDS, seed=SEED)
    differing = draw(metrics, rounds=ROUNDS, seed=SEED, planted=PLANTED)
    false, found = false_winners(alike), right_winners(differing)
    varied = [each for each in alike if each.comparison.p_value != 1]
    worst = max(map(false_winners, by_scenario(alike).values()), key=lambda rate: rate.share)
    alone = Rate(found=sum((each.comparison.p_value or 0) <= ALPHA for each in varied), of=len(varied))
    wrong = Rate(found=sum(e.comparison.verdict == "better" and not e.right for e in differing), of=found.of)
    measured = [each for each in summarise(stored.run, metrics).comparisons if played_as(each.b)[0] == each.a]
    judged = [each for each in measured if each.verdict in ("better", "tie")]
    if measured:
        rate = Rate(found=sum(each.verdict == "better" for each in judged), of=len(judged))
        print(f"{directory}: one service measured under two names\n")
        print(f"false winners {_text(rate)}, 95 % bound < {_percent(rate.upper)}\n")
    print(
        f"{directory}: repetitions of one service drawn into two names, {REPETITIONS_TO_JUDGE} each, {ROUNDS} rounds\n"
    )
    rows = [
        ("false winners", _text(false), f"< {_percent(false.upper)}", f"≤ {_percent(MOST_FALSE)}"),
        ("… where the draws differed at all", _text(rate := false_winners(varied)), f"< {_percent(rate.upper)}", ""),
        ("… in the worst scenario", _text(worst), f"< {_percent(worst.upper)}", ""),
        ("… by the test alone: no threshold, no correction", _text(alone), f"< {_percent(alone.upper)}", ""),
        (f"a planted {PLANTED:.0%} found", _text(found), f"> {_percent(found.lower)}", f"≥ {_percent(LEAST_FOUND)}"),
        ("… the wrong one called better", _text(wrong), f"< {_percent(wrong.upper)}", ""),
    ]
    changed = draw_changes(stored.run, metrics, rounds=CHANGE_ROUNDS, seed=SEED)
    seen = draw_changes(stored.run, metrics, rounds=CHANGE_ROUNDS, seed=SEED, planted=CHANGE)
    rows += [
        ("bench compare: false changes", _text(changed), f"< {_percent(changed.upper)}", f"≤ {_percent(MOST_FALSE)}"),
        (f"… a planted {CHANGE:.0%} found", _text(seen), f"> {_percent(seen.lower)}", f"≥ {_percent(LEAST_FOUND)}"),
    ]
    print(tabulate(rows, ("", "rate", "95 % bound", "aim"), disable_numparse=True))
    print("\n" + tabulate(_by_scenario(alike, differing), ("scenario", "false winners", f"{PLANTED:.0%} found")))
    print(f"({monotonic() - began:.0f} s)")
    good = max(false.upper, changed.upper) <= MOST_FALSE and min(found.share, seen.share) >= LEAST_FOUND
    return 0 if good else 1


def _by_scenario(alike: tuple[Drawn, ...], differing: tuple[Drawn, ...]) -> list[tuple[str, str, str]]:
    """The services together."""
    found = by_scenario(differing)
    return [
        (name, _text(false_winners(drawn)), _text(right_winners(found[name])))
        for name, drawn in by_scenario(alike).items()
    ]


def _text(rate: Rate) -> str:
    return f"{rate.found} of {rate.of} ({_percent(rate.share)})"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("use: python -m perf.verdicts DIRECTORY, which holds a stored run of ten repetitions or more")
    sys.exit(main(sys.argv[1]))
