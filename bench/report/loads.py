"""How a load, its faults and their times are called."""

from bench.scenarios.model import Freeze, KillBackends, Leak, ReleaseLeaks, Scenario
from services.workload.loads import Burst, Closed, Load, Open, Sequential


def duration(seconds: float) -> str:
    """As long as it is: `100 ms`, `1.05 s`, `42 min`."""
    if seconds >= 120:
        return f"{seconds / 60:.0f} min"
    return f"{round(seconds * 1000, 3):g} ms" if 0 < seconds < 1 else f"{round(seconds, 3):g} s"


def load(of: Load) -> str:
    """A load in a few words."""
    match of:
        case Closed(stages=stages, think_s=think_s):
            think = f", think {duration(think_s)}" if think_s else ""
            first, *later = stages
            if not first.seconds and {stage.users for stage in later} == {first.users}:
                return f"{first.users} users for {duration(sum(stage.seconds for stage in later))}{think}"
            return f"0→{'→'.join(str(stage.users) for stage in stages)} users{think}"
        case Open(rate_per_s=rate, seconds=seconds, arrivals=arrivals):
            return f"{rate:g}/s for {duration(seconds)}, {arrivals}"
        case Burst(requests=n):
            return f"burst of {n}"
        case Sequential(requests=n):
            return "1 request" if n == 1 else f"{n} in sequence"


def faults(scenario: Scenario, unit_s: float) -> str:
    """What goes wrong meanwhile; fault times are multiples of `unit_s`."""
    said = []
    for fault in scenario.faults:
        match fault:
            case Leak(at=at, count=count):
                said.append(f"{count} leak from {duration(at * unit_s)}")
            case ReleaseLeaks(at=at):
                said.append(f"what was kept is given back at {duration(at * unit_s)}")
            case KillBackends(at=at):
                said.append(f"every connection is cut at {duration(at * unit_s)}")
            case Freeze(at=at, holds=holds):
                said.append(f"the database is frozen from {duration(at * unit_s)} for {duration(holds * unit_s)}")
    return ", ".join(said)
