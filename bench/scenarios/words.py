"""A scenario's load and settings in the words of a table; times in holds (h)."""

from bench.scenarios.model import Scenario
from services.common import contract
from services.workload.loads import Burst, Closed, Load, Open, Sequential, Stage


def load_text(load: Load) -> str:
    """`burst of 100`, `0→10→50→50→0 users, think 0.1 h`, `2.5/h for 60 h, uniform`."""
    match load:
        case Sequential(requests=n):
            return f"{n} in sequence" if n > 1 else "1 request"
        case Burst(requests=n):
            return f"burst of {n}"
        case Closed(stages=(Stage(users=n, seconds=0), Stage(users=m, seconds=seconds)), think_s=think) if n == m:
            return f"{n} users for {seconds:g} h, think {think:g} h"
        case Closed(stages=stages, think_s=think):
            users = "→".join(str(count) for count in (0, *(stage.users for stage in stages)))
            return f"{users} users, think {think:g} h"
        case Open(rate_per_s=rate, seconds=seconds, arrivals=arrivals):
            return f"{rate:g}/h for {seconds:g} h, {arrivals}"


def settings_text(scenario: Scenario) -> str:
    """`pool 5, acquire timeout 10.5 h`, and what differs from the usual."""
    parts = [f"pool {scenario.pool_size}", f"acquire timeout {scenario.acquire_timeout:g} h"]
    if scenario.hold != 1:
        parts.append(f"hold {scenario.hold:g} h")
    if scenario.work_kind != "sleep":
        parts.append(f"work: {scenario.work_kind}")
    if scenario.path == contract.QUERY_PROPER:
        parts.append("released by the context manager")
    return ", ".join(parts)
