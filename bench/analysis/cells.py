"""The metrics of one cell, from its samples; `bench.metrics` says what each of them is."""

import math
from collections.abc import Iterable

import numpy as np
import polars as pl

from bench.analysis.answers import Answers, Floats, answers_of, floats, known
from bench.analysis.cpu import cpu_ms_each, cpu_shares
from bench.analysis.discipline import discipline_metrics
from bench.analysis.leaks import recovered_s
from bench.analysis.outages import backends_again_s, served_again_s
from bench.analysis.residuals import residuals
from bench.analysis.statistics import quantile, slope
from bench.metrics.model import Metrics
from bench.metrics.quantiles import OF, QUANTILES, What, name_of
from bench.record.schema import Cell, Event


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
    answers = answers_of(requests)
    served, sent = int(np.count_nonzero(answers.served)), requests.height
    rejected = int(np.count_nonzero(answers.rejected))
    first_us, last_us = _lowest(np.fmin(answers.planned, answers.sent)), _highest(answers.finished)
    wall_s = (last_us - first_us) / 1e6 if first_us is not None and last_us is not None else None
    finished_s = np.sort(answers.finished[answers.served]) / 1e6
    metrics: Metrics = {
        "sent": sent,
        "ok": served,
        "timed_out": rejected,
        "failed": sent - served - rejected,
        "share_served": served / sent if sent else None,
        "goodput_per_s": served / wall_s if wall_s else None,
        **_efficiencies(cell, answers, finished_s),
        **_waits(answers),
        "hold_ms_p50": _median_ms(answers.work[answers.served & answers.pooled]),
        "queue_ms_p50": _median_ms(answers.finished - answers.sent - answers.app),
        **discipline_metrics(cell, answers),
        "wall_s": wall_s,
        "first_timeout_s": _seconds(_lowest(answers.finished[answers.rejected])),
        "last_ok_s": float(finished_s[-1]) if served else None,
        "recovered_s": recovered_s(answers, events),
        "served_again_s": served_again_s(answers, events),
        "backends_again_s": backends_again_s(cell, samples, events),
        "waiting_peak": _highest(floats(samples["waiting"])),
        "used_peak": _highest(floats(samples["used"])),
        "backends_peak": _highest(floats(samples["backends"])),
        "used_last": _last(floats(samples["used"])),
        "backends_last": _last(floats(samples["backends"])),
        "app_cpu_ms_per_request": cpu_ms_each(cell, sent),
        "app_rss_mb": cell.rss_mb,
        "app_pss_mb": cell.pss_mb,
        "skew_ms": cell.skew_ms,
        "lateness_ms_p99": cell.lateness_ms_p99,
        **cpu_shares(cell, cores),
    }
    return metrics | residuals(cell, metrics)


def _waits(answers: Answers) -> Metrics:
    ok = answers.served
    return {
        **_quantiles_ms("acquire", answers.acquire[ok & answers.pooled], answers),
        **_quantiles_ms("latency", (answers.finished - answers.planned)[ok], answers),
        **_quantiles_ms("latency_uncorrected", (answers.finished - answers.sent)[ok], answers),
    }


def _quantiles_ms(what: What, values_us: Floats, answers: Answers) -> Metrics:
    """The quantiles of what was served and of all. None if one that was served does not say."""
    ascending = np.sort(known(values_us)) / 1000
    served = int(np.count_nonzero(answers.served))
    others = len(answers.served) - served
    return {
        name_of(what, name, of): quantile(ascending, q, beyond) if len(ascending) == served else None
        for of, beyond in zip(OF, (0, others), strict=True)
        for name, q in QUANTILES.items()
    }


def _efficiencies(cell: Cell, answers: Answers, finished_s: Floats) -> Metrics:
    """Goodput ÷ (c/h) while all connections are busy by forecast: over the hold as asked, and as measured."""
    busy = _busy_s(cell, finished_s)
    rate = slope(busy) if len(busy) >= 2 * cell.capacity else None
    held_us = known(answers.work[answers.served])
    measured_ms = float(held_us.mean()) / 1000 if len(held_us) else None
    return {
        "efficiency": rate * cell.hold_ms / 1000 / cell.capacity if rate else None,
        "efficiency_of_hold": rate * measured_ms / 1000 / cell.capacity if rate and measured_ms else None,
    }


def _busy_s(cell: Cell, finished_s: Floats) -> Floats:
    """The completions in the window of the forecast, ascending."""
    busy = cell.forecast.busy
    if busy is None:
        return finished_s[:0]
    if busy.served is not None:
        served = min(busy.served, len(finished_s))
        # Half a batch at the end would pull the slope down.
        return finished_s[: served - served % cell.capacity]
    from_s, to_s = busy.from_s or 0.0, math.inf if busy.to_s is None else busy.to_s
    return finished_s[(finished_s >= from_s) & (finished_s <= to_s)]


def _median_ms(values_us: Floats) -> float | None:
    middle = quantile(np.sort(known(values_us)), 0.5)
    return middle / 1000 if middle is not None else None


def _seconds(moment_us: float | None) -> float | None:
    return moment_us / 1e6 if moment_us is not None else None


def _last(values: Floats) -> float | None:
    told = known(values)
    return float(told[-1]) if len(told) else None


def _lowest(values: Floats) -> float | None:
    told = known(values)
    return float(told.min()) if len(told) else None


def _highest(values: Floats) -> float | None:
    told = known(values)
    return float(told.max()) if len(told) else None
