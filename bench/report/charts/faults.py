"""When something went wrong on purpose, and how a chart calls it."""

from collections.abc import Mapping
from statistics import median
from types import MappingProxyType
from typing import Final

from bench.analysis.outages import ENDED, FROZEN, GOES_ON
from bench.report.charts.played import Played
from services.workload.samples import LEAK, RELEASE

WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {LEAK: "leak", RELEASE: "release", ENDED: "all cut", FROZEN: "frozen", GOES_ON: "goes on"}
)
NOTHING: Final = "0 given back"


def happened(stack: Played) -> list[tuple[float, str]]:
    """(seconds of the load, a word) of the first event of each kind, the median over the repetitions; five leaks within
    a few milliseconds are one."""
    firsts = dict[str, list[float]]()
    for result in stack.results:
        seen = set[str]()
        for event in sorted(result.events, key=lambda event: event.t_s):
            if event.kind not in seen and event.text != NOTHING:
                seen.add(event.kind)
                firsts.setdefault(event.kind, []).append(event.t_s)
    return sorted((median(times), WORDS.get(kind, kind.replace("_", " "))) for kind, times in firsts.items())
