"""How much CPU time a cell took, and whether it says more of that than of the pool."""

from typing import Final

from bench.metrics.model import Metrics
from bench.record.readings import CpuSeconds
from bench.record.schema import Cell

MACHINE_LIMIT: Final = 0.6
"""Above this share of the machine a cell is about the CPU: about its own use of it, or about that of other programs."""
PART_LIMIT: Final = 0.7
"""So it is above this share of a core in the generator or the service: each runs Python on one core at a time."""


def cpu_ms_each(cell: Cell, sent: int) -> float | None:
    """CPU time of the service for each request; None where it cannot be seen."""
    if cell.cpu is None or cell.cpu.service is None or not sent:
        return None
    return cell.cpu.service * 1000 / sent


def cpu_shares(cell: Cell, cores: int | None) -> Metrics:
    """How much of the machine was at work, how much of a core the busier of generator and service was, and whose doing
    it is where that is over a limit.

    `cpu_bound` is 1 where the run's own parts are, `machine_busy` where the machine is over its limit only with what
    other programs used; else 0. What cannot be seen of a run's own parts counts as other programs'.
    """
    if cell.cpu is None or not cell.cpu.available or not cell.load_s:
        return dict.fromkeys(("cpu_machine_share", "cpu_largest_part_share", "cpu_bound", "machine_busy"))
    own = own_seconds(cell.cpu) / cell.cpu.available
    machine = own + cell.cpu.other / cell.cpu.available
    # The generator's is counted from the first request to the last answer, the others' around that.
    around_s = cell.cpu.available / cores if cores else cell.load_s
    part = max(cell.cpu.generator / cell.load_s, (cell.cpu.service or 0.0) / around_s)
    return {
        "cpu_machine_share": machine,
        "cpu_largest_part_share": part,
        "cpu_bound": float(own > MACHINE_LIMIT or part > PART_LIMIT),
        "machine_busy": float(own <= MACHINE_LIMIT < machine),
    }


def own_seconds(cpu: CpuSeconds) -> float:
    """Of the run's own parts, as far as they can be seen."""
    # What is not known of service and PostgreSQL (containers, another user's) is part of `other`, if it is here at all.
    return cpu.generator + (cpu.service or 0.0) + (cpu.postgres or 0.0) + cpu.harness
