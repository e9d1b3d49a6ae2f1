"""How far a cell came out from its own forecast: measured less forecast."""

from typing import Final

from bench.metrics.model import Metric
from bench.metrics.quantiles import QUANTILES, TEXTS

_UNSAID: Final = "where there is no forecast of it, or no measured value"

METRICS: Final = (
    Metric(
        name="residual_ok",
        text="Requests served, less those forecast.",
        unit="requests",
        label="served, less forecast",
        short="served",
        decimals=0,
        missing=_UNSAID,
        dull=0,
    ),
    Metric(
        name="residual_timed_out",
        text="Requests rejected for want of a connection, less those forecast.",
        unit="requests",
        label="rejected, less forecast",
        short="rejected",
        decimals=0,
        missing=_UNSAID,
        dull=0,
    ),
    Metric(
        name="residual_waiting_peak",
        text="The most requests that waited at a time, less the most forecast.",
        unit="requests",
        label="most waiting, less forecast",
        short="queue",
        decimals=0,
        missing=_UNSAID,
        dull=0,
    ),
    *(
        Metric(
            name=f"residual_acquire_ms_{quantile}_served",
            text=f"The {TEXTS[quantile]} of the time to acquire over the requests served, less that forecast.",
            unit="ms",
            label=f"acquire {quantile}, served, less forecast",
            short=f"wait {quantile}",
            missing=_UNSAID,
        )
        for quantile in QUANTILES
    ),
    Metric(
        name="residual_goodput_percent",
        text="Goodput less that forecast, as a share of the forecast.",
        unit="%",
        label="goodput, less forecast",
        short="goodput",
        missing=_UNSAID,
    ),
    Metric(
        name="residual_wall_percent",
        text="The time to the last answer less that forecast, as a share of the forecast.",
        unit="%",
        label="last answer, less forecast",
        short="last answer",
        missing=_UNSAID,
    ),
)
