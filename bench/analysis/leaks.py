"""What leaked in a cell, what was given back, and how soon a request got a connection again."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bench.analysis.answers import Answers
from bench.record.schema import Event
from services.workload.samples import LEAK, RELEASE

_LEAK: Final = re.compile(r"(?P<how>\w+), \d+ of \d+: (?P<answer>.*)")
_GIVEN_BACK: Final = re.compile(r"(\d+) given back")
ANSWERED: Final = ("200", "500")
"""A leak on purpose: `how=exception` is answered by 500."""


@dataclass(frozen=True, kw_only=True)
class Out:
    """One connection that leaked: seconds of the load at which it was gone for sure, and was given back."""

    how: str
    from_s: float
    until_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Leaks:
    """`refused` were rejected, and `unknown` had no answer that says what became of them."""

    out: tuple[Out, ...] = ()
    refused: int = 0
    unknown: int = 0
    longest_waits_s: tuple[float, ...] = ()
    """For each that was asked for, the most that it can have waited: they are asked for one after another."""

    @property
    def still_out(self) -> int:
        return sum(1 for one in self.out if one.until_s is None)


def leaks_of(events: Iterable[Event]) -> Leaks:
    """In the order of time; what is given back are the first that were kept."""
    out: list[Out] = []
    refused = unknown = 0
    waits, before_s = list[float](), 0.0
    for event in sorted(events, key=lambda event: event.t_s):
        if event.kind == LEAK and (told := _LEAK.fullmatch(event.text)):
            if told["answer"] in ANSWERED:
                out.append(Out(how=told["how"], from_s=event.t_s))
            refused += told["answer"] == "503"
            unknown += told["answer"] not in (*ANSWERED, "503")
            waits.append(event.t_s - before_s)
            before_s = event.t_s
        elif event.kind == RELEASE and (given := _GIVEN_BACK.fullmatch(event.text)):
            kept = [n for n, one in enumerate(out) if one.how == "kept" and one.until_s is None]
            for n in kept[: int(given[1])]:
                out[n] = Out(how="kept", from_s=out[n].from_s, until_s=event.t_s)
            before_s = event.t_s
    return Leaks(out=tuple(out), refused=refused, unknown=unknown, longest_waits_s=tuple(waits))


def recovered_s(answers: Answers, events: Iterable[Event]) -> float | None:
    """From the last leak to the end of the first of the requests served that got its connection after it.

    When it got it is told by its end and what it did in between: its hold and its release. None if nothing
    leaked, or if no request got one any more.
    """
    leaked_s = max((event.t_s for event in events if event.kind == LEAK), default=None)
    if leaked_s is None:
        return None
    acquired = answers.finished - answers.work - answers.release
    after = answers.finished[answers.served & (acquired >= leaked_s * 1e6)]
    return float(after.min()) / 1e6 - leaked_s if len(after) else None
