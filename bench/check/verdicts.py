"""What a check says in the end: passed, failed or skipped, with one line of figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Verdict = Literal["passed", "failed", "skipped"]

MOST_PROBLEMS: Final = 4
"""How many problems one detail names; what went wrong four times is understood."""


class Failed(Exception):
    """The service does not keep the contract here; `str()` is one line with figures."""


class Skipped(Exception):
    """Nothing can be said here; `str()` is one line that says why."""


@dataclass(frozen=True, slots=True)
class Result:
    """One check: what it is called, how it ended, the figures it saw, and how long it took."""

    name: str
    verdict: Verdict
    detail: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of one service, in the order in which they were made."""

    service: str
    results: tuple[Result, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Nothing failed; what was skipped does not count against the service."""
        return not self.failed

    @property
    def failed(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.verdict == "failed")


def settle(problems: Sequence[str], fine: str) -> str:
    """`fine` when there are no problems, else raises Failed with the first of them in one line."""
    if not problems:
        return fine
    more = len(problems) - MOST_PROBLEMS
    named = "; ".join(problems[:MOST_PROBLEMS])
    raise Failed(f"{named}; and {more} more" if more > 0 else named)
