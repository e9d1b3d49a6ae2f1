"""What was seen of a pool while a load was played, in samples 50 ms apart."""

from typing import Final

from bench.metrics.model import Metric

_UNSAMPLED: Final = "where the service does not say, or nothing was sampled"
_UNSEEN: Final = "where there is no database to look at"

METRICS: Final = (
    Metric(
        name="waiting_peak",
        text="The most requests that waited for a connection at a time, as the service counted.",
        unit="requests",
        label="most waiting",
        decimals=0,
        better="lower",
        missing=_UNSAMPLED,
    ),
    Metric(
        name="used_peak",
        text="The most connections that were handed out at a time, as the service counted, leaks included.",
        unit="connections",
        label="most handed out",
        decimals=0,
        missing=_UNSAMPLED,
    ),
    Metric(
        name="backends_peak",
        text="The most backends of the service at a time, as PostgreSQL says.",
        unit="connections",
        label="most backends",
        decimals=0,
        missing=_UNSEEN,
    ),
    Metric(
        name="used_last",
        text="Connections that were handed out in the last sample, leaks included.",
        unit="connections",
        label="handed out at the end",
        decimals=0,
        better="lower",
        missing=_UNSAMPLED,
    ),
    Metric(
        name="backends_last",
        text="Backends of the service in the last sample, as PostgreSQL says.",
        unit="connections",
        label="backends at the end",
        decimals=0,
        better="lower",
        missing=_UNSEEN,
    ),
)
