"""What a cell cost in CPU time and memory, and how well the generator kept its plan."""

from typing import Final

from bench.metrics.model import Metric

_ELSEWHERE: Final = "where the service runs elsewhere, or cannot be seen"
_UNMEASURED: Final = "where CPU time was not measured"

COST: Final = (
    Metric(
        name="app_cpu_ms_per_request",
        text="CPU time of the service during the load ÷ requests sent; it comes in ticks of 10 ms.",
        unit="ms",
        label="CPU per request",
        better="lower",
        missing=_ELSEWHERE,
        least_sent=50,
    ),
    Metric(
        name="app_rss_mb",
        text="Resident memory of the service after the load, shared pages counted once for each process.",
        unit="MB",
        label="memory, shared pages once a process",
        better="lower",
        missing=_ELSEWHERE,
    ),
    Metric(
        name="app_pss_mb",
        text="Proportional memory of the service after the load, shared pages divided among the processes.",
        unit="MB",
        label="memory",
        better="lower",
        missing=_ELSEWHERE,
    ),
)

CONDITIONS: Final = (
    Metric(
        name="skew_ms",
        text="The time within which all requests of a burst were sent.",
        unit="ms",
        label="sent within",
        missing="where the load is no burst",
    ),
    Metric(
        name="lateness_ms_p99",
        text="By how much requests of an open load were sent later than planned, the 99th percentile.",
        unit="ms",
        label="sent late by, p99",
        missing="where the load is not open",
    ),
    Metric(
        name="cpu_machine_share",
        text="CPU time of all programs ÷ that of all cores during the load.",
        unit="1",
        label="CPU, share of the machine",
        decimals=2,
        missing=_UNMEASURED,
    ),
    Metric(
        name="cpu_largest_part_share",
        text="CPU time ÷ wall time of the generator or of the service, whichever is more.",
        unit="1",
        label="CPU, share of a core in the busier part",
        decimals=2,
        missing=_UNMEASURED,
    ),
    Metric(
        name="cpu_bound",
        text="1 where generator, service, PostgreSQL and bench used over 60 % of the machine, or generator or service "
        "over 70 % of a core; else 0.",
        unit="1",
        label="CPU-bound",
        decimals=0,
        missing=_UNMEASURED,
    ),
    Metric(
        name="machine_busy",
        text="1 where over 60 % of the machine was used, and only with what other programs used; else 0. Parts of the "
        "run that cannot be seen (containers, other machines) are among the other programs.",
        unit="1",
        label="machine busy",
        decimals=0,
        missing=_UNMEASURED,
    ),
)
