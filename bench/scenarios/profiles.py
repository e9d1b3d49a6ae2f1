"""How much of the catalogue a run plays, with which hold, how often."""

from dataclasses import dataclass
from typing import Final

from bench.scenarios.catalogue import SCENARIOS


@dataclass(frozen=True, kw_only=True)
class Profile:
    """`hold_ms` is the hold that the scenarios' times are multiples of; `repeat` the number of repetitions."""

    name: str
    text: str
    hold_ms: int
    repeat: int
    scenarios: tuple[str, ...]
    judging: bool = True
    """False: there is no time to play anything again, and a disturbed machine is told beside the figures; unless so
    many repetitions are asked for that stacks are compared."""


_LONG: Final = ("tight-loop-long", "tight-loop-long-managed")
_USUAL: Final = tuple(name for name in SCENARIOS if name not in _LONG)

PROFILES: Final[dict[str, Profile]] = {
    profile.name: profile
    for profile in (
        Profile(
            name="smoke",
            text="does it run at all (under 45 s)",
            hold_ms=100,
            repeat=1,
            scenarios=("one", "burst-10", "burst-timeout"),
            judging=False,
        ),
        Profile(
            name="quick",
            text="every family but fairness and outage once (under 3 min); judges nothing",
            hold_ms=100,
            repeat=1,
            scenarios=(
                "one",
                "burst-10",
                "burst-timeout",
                "ramp",
                "overload-12",
                "fix-shorter-hold",
                "fix-larger-pool",
                "leak-kept",
                "leak-dropped",
            ),
            judging=False,
        ),
        Profile(
            name="standard",
            text="everything but the long loops, ten repetitions: what the README shows (under an hour)",
            hold_ms=100,
            repeat=10,
            scenarios=_USUAL,
        ),
        Profile(
            name="fairness",
            text="the long loops, ten repetitions: which users are starved, by either way of release (75 min)",
            hold_ms=100,
            repeat=10,
            scenarios=_LONG,
        ),
        Profile(
            name="contrasts",
            text="where pools, drivers and fronts can differ, ten repetitions (an hour with --stacks all)",
            hold_ms=50,
            repeat=10,
            scenarios=(
                "burst-10",
                "burst-50",
                "burst-timeout",
                "tight-loop",
                "several-short",
                "leak-dropped",
                "outage-killed",
                "outage-frozen",
            ),
        ),
        Profile(
            name="lab",
            text="everything but the long loops once at the lab's own times: hold 1 s, acquire timeout 10 s",
            hold_ms=1000,
            repeat=1,
            scenarios=_USUAL,
        ),
    )
}
