"""What charts show of requests and samples: few enough marks that a page of many charts stays small."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import numpy as np
import polars as pl

from bench.analysis.answers import TIMED_OUT, Floats, answers_of, floats, known
from bench.record.columns import CellRows
from bench.report.charts.played import Played
from services.workload.loads import Load, Open, length_s

ROWS: Final = 100
"""The most requests of a waterfall; a burst of a hundred is shown whole."""
MOMENTS: Final = 64
"""The most moments of a line over time."""
DOTS: Final = 200
QUANTILES: Final = 60
"""The most points of a curve of waits."""
BINS: Final = 16
"""About so many columns of answers."""

Turns = tuple[tuple[int, int], ...]
"""(asked as nth, served so many places later than that; below 0 earlier)."""
Became = Literal["served", "rejected", "failed"]


class Way(NamedTuple):
    """One request in milliseconds of the load: it arrives at `start`, asks for its connection at `asked`, has it at
    `held` and gives it back at `end`. What never came is at the end of what did."""

    start: float
    asked: float
    held: float
    end: float
    became: Became


class Band(NamedTuple):
    """A value at a moment over the repetitions; None where no repetition has one."""

    t_s: float
    least: float | None
    middle: float | None
    most: float | None


class Bin(NamedTuple):
    """Answers a second around a moment, the mean over the repetitions."""

    middle_s: float
    served: float
    rejected: float
    failed: float


def became(requests: pl.DataFrame) -> pl.Series:
    """What became of each request: a `Became`."""
    rejected = (pl.col("status") == 503) & pl.col("error").is_in(TIMED_OUT)
    kinds = pl.when(pl.col("status") == 200).then(pl.lit("served")).when(rejected).then(pl.lit("rejected"))
    return requests.select(became=kinds.otherwise(pl.lit("failed")))["became"]


def ways(requests: pl.DataFrame) -> tuple[Way, ...]:
    """The requests in order of arrival, or `ROWS` of them: of a long run those in its middle, one by one, since every
    tenth would hide who waits for whom."""
    frame = requests.with_columns(became(requests), start=pl.coalesce("planned_us", "sent_us")).sort("start", "n")
    if frame.height > 2 * ROWS:
        frame = frame.slice((frame.height - ROWS) // 2, ROWS)
    frame = frame[thinned(frame.height, ROWS)]
    wait, hold, release = (pl.col(name).fill_null(0) for name in ("acquire_us", "work_us", "release_us"))
    asked = pl.max_horizontal("start", pl.col("finished_us") - release - hold - wait)
    end = pl.when(pl.col("became") == "failed").then("finished_us").otherwise(asked + wait + hold)
    at = frame.select(pl.col("start") / 1000, asked=asked / 1000, held=(asked + wait) / 1000, end=end / 1000)
    return tuple(map(Way._make, at.with_columns(frame["became"]).iter_rows()))


def thinned(count: int, most: int) -> list[int]:
    """Places among `count`, evenly, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(nth * (count - 1) / (most - 1)) for nth in range(most)]


def end_s(played: Iterable[Played]) -> float:
    """When the last answer came, in seconds of the load."""
    return max(float(known(floats(each.requests["finished_us"])).max(initial=0.0)) / 1e6 for each in _all(played))


def moments(end: float, played: Iterable[Played]) -> list[float]:
    """As many as one repetition has samples, and not too many, from 0 on, in seconds of the load."""
    samples = max(each.samples.height for each in _all(played))
    count = max(2, min(MOMENTS, samples))
    return [nth * end / count for nth in range(count + 1)]


def over_time(series: Sequence[tuple[Floats, Floats]], at_s: Sequence[float]) -> list[Band]:
    """The last value before each moment, over the repetitions: `series` has times (seconds, ascending) and values, NaN
    where none is known, for each of them."""
    values = np.array([_last_before(times, each, at_s) for times, each in series if len(times)])
    if not len(values):
        return []
    somewhere = ~np.isnan(values).all(axis=0)
    middles = iter(np.nanmedian(values[:, somewhere], axis=0).tolist())
    ends = zip(np.fmin.reduce(values).tolist(), np.fmax.reduce(values).tolist(), strict=True)
    return [
        Band(t_s, least, next(middles), most) if known else Band(t_s, None, None, None)
        for t_s, known, (least, most) in zip(at_s, somewhere.tolist(), ends, strict=True)
    ]


def column(result: CellRows, name: str) -> tuple[Floats, Floats]:
    """A column of the samples over seconds of the load; NaN where it was not looked at or not said."""
    at, values, used, backends = (floats(result.samples[each]) for each in ("t_us", name, "used", "backends"))
    order = np.argsort(at, kind="stable")
    if np.isnan(used + backends).all():  # several look at the pool, and each leaves rows of its own
        order = order[~np.isnan(values[order])]
    return at[order] / 1e6, values[order]


def usable(result: CellRows) -> tuple[Floats, Floats]:
    """Connections that are free or held by a request that is served, and no more than PostgreSQL has backends; what
    leaked or was lost is in neither. NaN where one of these is not known."""
    at, free = column(result, "free")
    answers = answers_of(result.requests)
    served, given_back = answers.served & answers.pooled, answers.finished - np.nan_to_num(answers.release)
    begun, ended = (np.sort(known(each[served])) for each in (given_back - answers.work, given_back))
    held = np.searchsorted(begun, at * 1e6, side="right") - np.searchsorted(ended, at * 1e6, side="right")
    seen_at, backends = column(result, "backends")
    if np.isnan(backends).all():
        return at, free + held
    return at, np.minimum(free + held, _last_before(seen_at, backends, at))


def survival(requests: pl.DataFrame) -> tuple[tuple[float, int], ...]:
    """(wait in ms, how many of all requests wait longer, the rejected among them), ascending: more points where few are
    left, so that the longest waits are seen. Empty where a request that was served does not say how long it waited."""
    served = requests.filter(pl.col("status") == 200)["acquire_us"]
    waits = served.drop_nulls().sort() / 1000
    if not len(waits) or len(waits) < len(served):
        return ()
    last = (len(waits) ** (nth / QUANTILES) for nth in range(QUANTILES + 1))
    even = (len(waits) * nth / 20 for nth in range(21))
    chosen = pl.Series([waits[-max(1, round(place))] for place in (*last, *even)]).unique().sort()
    longer = requests.height - waits.search_sorted(chosen, side="right")
    return tuple(zip(chosen.to_list(), longer.to_list(), strict=True))


def turns(requests: pl.DataFrame) -> tuple[Turns, int]:
    """Of the requests that were served, and how many these are.

    Of a long run the farthest ahead and the farthest behind in each stretch, so that none that stands out is lost.
    """
    answers = answers_of(requests)
    served = answers.served & ~np.isnan(answers.acquire)
    given = (answers.finished - np.nan_to_num(answers.work) - np.nan_to_num(answers.release))[served]
    order = np.argsort(given - answers.acquire[served], kind="stable")
    places = np.empty(len(order), dtype=np.int64)
    places[np.argsort(given[order], kind="stable")] = np.arange(len(order))
    late = places - np.arange(len(order))
    if len(late) <= DOTS:
        chosen = list(range(len(late)))
    else:
        edges = [round(nth * len(late) / (DOTS // 2)) for nth in range(DOTS // 2 + 1)]
        parts = [(start, late[start:stop]) for start, stop in pairwise(edges)]
        chosen = sorted({start + int(pick) for start, part in parts for pick in (part.argmin(), part.argmax())})
    return tuple((nth + 1, int(late[nth])) for nth in chosen), len(late)


def bin_s(load: Load, hold_s: float, end: float) -> tuple[float, float]:
    """(where the first bin of answers begins, how wide each is), in seconds.

    Of arrivals at equal distances a bin holds a whole number, and its edges lie in the middle between two answers that
    come one hold after their arrival: else bins would differ where answers do not.
    """
    wide = (length_s(load) or end) / BINS
    if isinstance(load, Open) and load.arrivals == "uniform":
        gap = 1 / load.rate_per_s
        return hold_s % gap - gap / 2, max(1, round(wide / gap)) * gap
    return 0.0, wide


def answers(results: Sequence[CellRows], start: float, wide: float) -> tuple[Bin, ...]:
    """From the first bin to the last that has an answer."""
    frame = pl.concat([each.requests for each in results])
    nth = ((pl.col("finished_us") / 1e6 - start) / wide).floor().cast(pl.Int64)
    kinds = frame.select(nth=nth, became=became(frame)).drop_nulls()
    if not kinds.height:
        return ()
    per_s = 1 / wide / len(results)
    counts = {(nth, kind): count * per_s for nth, kind, count in kinds.group_by("nth", "became").len().rows()}
    last = int(kinds["nth"].max())  # type: ignore[arg-type]  # whole numbers
    return tuple(
        Bin(start + (nth + 0.5) * wide, *(counts.get((nth, kind), 0.0) for kind in ("served", "rejected", "failed")))
        for nth in range(last + 1)
    )


def _all(played: Iterable[Played]) -> Iterable[CellRows]:
    return (each for stack in played for each in stack.results)


def _last_before(times: Floats, values: Floats, at_s: Sequence[float] | Floats) -> Floats:
    """NaN before the first."""
    places = np.searchsorted(times, np.array(at_s) + 1e-9, side="right") - 1
    return np.where(places < 0, math.nan, values[np.maximum(places, 0)])
