"""How long requests waited and took: the quantiles of acquire and latency."""

from collections.abc import Iterator
from typing import Final, Literal

from bench.metrics.model import NOT_SERVED, Metric

QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
"""Those that a table may show, by the name that they have there."""
What = Literal["acquire", "latency", "latency_uncorrected"]
Of = Literal["served", "all"]
OF: Final[tuple[Of, ...]] = ("served", "all")
"""The requests that were served, or all of them: one that was not served counts as longer than any that was."""

LEAST_FOR_P99: Final = 50
"""Of fewer requests that were served, the p99 is just the longest."""
TEXTS: Final = {"p50": "median", "p95": "95th percentile", "p99": "99th percentile", "max": "maximum"}
_COUNTED: Final[dict[What, str]] = {
    "acquire": "time from asking the pool until a connection was handed out",
    "latency": "time from the planned moment of sending (where there is no plan: from sending) to the whole answer",
    "latency_uncorrected": "time from sending to the whole answer, whatever the plan was",
}
_LABELS: Final[dict[What, tuple[str, str]]] = {
    "acquire": ("acquire {q}", "acquire {q}"),
    "latency": ("latency {q}", "latency {q}"),
    "latency_uncorrected": ("… from sending, {q}", "… from sending"),
}
"""In a table, and in the overview."""


def name_of(what: What, quantile: str, of: Of) -> str:
    """`acquire_ms_p99_all`."""
    return f"{what}_ms_{quantile}_{of}"


def _metrics() -> Iterator[Metric]:
    for what, (label, short) in _LABELS.items():
        for quantile in QUANTILES:
            for of in OF:
                yield _metric(what, quantile, of, label.format(q=quantile), short.format(q=quantile))


def _metric(what: What, quantile: str, of: Of, label: str, short: str) -> Metric:
    served = of == "served"
    whose = "the requests served" if served else "all requests, one not served counting as longer than any that was"
    untold = "" if what != "acquire" else ", or where an answer does not say how long it waited"
    return Metric(
        name=name_of(what, quantile, of),
        text=f"The {TEXTS[quantile]}, over {whose}, of the {_COUNTED[what]}.",
        unit="ms",
        label=f"{label}, {of}",
        short=short,
        better="lower",
        missing=f"where no request was served{untold}" if served else f"where it falls on a request not served{untold}",
        beyond="" if served else NOT_SERVED,
        uncorrected=name_of("latency_uncorrected", quantile, of) if what == "latency" else "",
        least_sent=LEAST_FOR_P99 if served and quantile == "p99" else 0,
    )


METRICS: Final = tuple(_metrics())
