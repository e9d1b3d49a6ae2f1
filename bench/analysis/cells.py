"""The metrics of one cell, from its samples; `bench.metrics` says what each of them is."""

import math
from collections.abc import Iterable, Sequence

import polars as pl

from bench.analysis.client_saw import TIMED_OUT
from bench.analysis.cpu import cpu_ms_each, cpu_shares
from bench.analysis.discipline import discipline_metrics
from bench.analysis.leaks import recovered_s
from bench.analysis.outages import backends_again_s, served_again_s
from bench.analysis.residuals import residuals
from bench.analysis.statistics import quantile, slope
from bench.metrics.model import Metrics
from bench.metrics.quantiles import OF, QUANTILES, What, name_of
from bench.record.schema import Cell, Event
from services.common import contract


def cell_metrics(
    cell: Cell,
    requests: pl.DataFrame,
    samples: pl.DataFrame,
    events: Iterable[Event] = (),
    cores: int | None = None,
) -> Metrics:
    """Every metric of a cell, always under the same names; None is what cannot be said. Frames and events hold only
    what is the cell's.

    `cores` are those of the machine.
    """
    ok, refused = _served(requests), _refused(requests)
    sent = requests.height
    first_us = _lowest(requests.select(pl.min_horizontal("planned_us", "sent_us")).to_series())
    last_us = _highest(requests["finished_us"])
    wall_s = (last_us - first_us) / 1e6 if first_us is not None and last_us is not None else None
    finished_s = [moment / 1e6 for moment in ok["finished_us"].sort().to_list()]
    metrics: Metrics = {
        "sent": sent,
        "ok": ok.height,
        "timed_out": refused.height,
        "failed": sent - ok.height - refused.height,
        "share_served": ok.height / sent if sent else None,
        "goodput_per_s": ok.height / wall_s if wall_s else None,
        **_efficiencies(cell, ok, finished_s),
        **_waits(ok, sent),
        "hold_ms_p50": _median_ms(_holding(ok)["work_us"]),
        "queue_ms_p50": _median_ms(requests["finished_us"] - requests["sent_us"] - requests["app_us"]),
        **discipline_metrics(cell, requests),
        "wall_s": wall_s,
        "first_timeout_s": _seconds(_lowest(refused["finished_us"])),
        "last_ok_s": finished_s[-1] if finished_s else None,
        "recovered_s": recovered_s(ok, events),
        "served_again_s": served_again_s(requests, events),
        "backends_again_s": backends_again_s(cell, samples, events),
        "waiting_peak": _highest(samples["waiting"]),
        "used_peak": _highest(samples["used"]),
        "backends_peak": _highest(samples["backends"]),
        "used_last": _last(samples["used"]),
        "backends_last": _last(samples["backends"]),
        "app_cpu_ms_per_request": cpu_ms_each(cell, sent),
        "app_rss_mb": cell.rss_mb,
        "app_pss_mb": cell.pss_mb,
        "skew_ms": cell.skew_ms,
        "lateness_ms_p99": cell.lateness_ms_p99,
        **cpu_shares(cell, cores),
    }
    return metrics | residuals(cell, metrics)


def _served(requests: pl.DataFrame) -> pl.DataFrame:
    return requests.filter(pl.col("status") == 200)


def _refused(requests: pl.DataFrame) -> pl.DataFrame:
    """Requests that were rejected: no connection came free within the acquire timeout."""
    return requests.filter((pl.col("status") == 503) & pl.col("error").is_in(TIMED_OUT))


def _holding(ok: pl.DataFrame) -> pl.DataFrame:
    """Those that had a connection: the no-pool baseline's answers say 0 ms where there was nothing to wait for."""
    return ok.filter(~pl.col("path").str.starts_with(contract.NOOP))


def _waits(ok: pl.DataFrame, sent: int) -> Metrics:
    planned_us = pl.coalesce("planned_us", "sent_us")
    return {
        **_quantiles_ms("acquire", _holding(ok)["acquire_us"], ok.height, sent),
        **_quantiles_ms("latency", ok.select(pl.col("finished_us") - planned_us).to_series(), ok.height, sent),
        **_quantiles_ms("latency_uncorrected", ok["finished_us"] - ok["sent_us"], ok.height, sent),
    }


def _quantiles_ms(what: What, values_us: pl.Series, served: int, sent: int) -> Metrics:
    """The quantiles of what was served and of all. None if one that was served does not say."""
    ascending = [value / 1000 for value in values_us.drop_nulls().sort().to_list()]
    known = len(ascending) == served
    return {
        name_of(what, name, of): quantile(ascending, q, beyond) if known else None
        for of, beyond in zip(OF, (0, sent - served), strict=True)
        for name, q in QUANTILES.items()
    }


def _efficiencies(cell: Cell, ok: pl.DataFrame, finished_s: Sequence[float]) -> Metrics:
    """Goodput ÷ (c/h) while all connections are busy by forecast: over the hold as asked, and as measured."""
    busy = _busy_s(cell, finished_s)
    rate = slope(busy) if len(busy) >= 2 * cell.capacity else None
    held_us = ok["work_us"].mean()
    measured_ms = held_us / 1000 if isinstance(held_us, float) else None
    return {
        "efficiency": rate * cell.hold_ms / 1000 / cell.capacity if rate else None,
        "efficiency_of_hold": rate * measured_ms / 1000 / cell.capacity if rate and measured_ms else None,
    }


def _busy_s(cell: Cell, finished_s: Sequence[float]) -> Sequence[float]:
    """The completions in the window of the forecast, ascending."""
    busy = cell.forecast.busy
    if busy is None:
        return ()
    if busy.served is not None:
        served = min(busy.served, len(finished_s))
        # Half a batch at the end would pull the slope down.
        return finished_s[: served - served % cell.capacity]
    from_s, to_s = busy.from_s or 0.0, math.inf if busy.to_s is None else busy.to_s
    return [moment for moment in finished_s if from_s <= moment <= to_s]


def _median_ms(values_us: pl.Series) -> float | None:
    middle = quantile(values_us.drop_nulls().sort().to_list(), 0.5)
    return middle / 1000 if middle is not None else None


def _seconds(moment_us: float | None) -> float | None:
    return moment_us / 1e6 if moment_us is not None else None


def _lowest(values: pl.Series) -> float | None:
    lowest = values.min()
    return lowest if isinstance(lowest, int | float) else None


def _last(values: pl.Series) -> float | None:
    known = values.drop_nulls()
    return float(known[-1]) if len(known) else None


def _highest(values: pl.Series) -> float | None:
    highest = values.max()
    return highest if isinstance(highest, int | float) else None
