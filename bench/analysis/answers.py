"""The requests of one cell as arrays, converted once for all that is computed of them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from services.common import contract

TIMED_OUT: Final = ("pool_exhausted", "pool_growing")
"""The errors of a 503 that says that no connection came free in time."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """A value for each request, in the order of the frame. Times are whole microseconds from the start of the load,
    NaN where there is none."""

    paths: frozenset[str]
    """Those that were asked, without their queries."""
    user: Floats
    served: Flags
    rejected: Flags
    """No connection came free within the acquire timeout."""
    pooled: Flags
    """Asked for a connection: the no-pool baseline's answers say 0 ms where there was nothing to wait for."""
    planned: Floats
    """The moment of sending where there is no plan."""
    sent: Floats
    finished: Floats
    acquire: Floats
    work: Floats
    release: Floats
    app: Floats


def answers_of(requests: pl.DataFrame) -> Answers:
    """From the rows of one cell: `REQUEST_COLUMNS`."""
    status = requests["status"].to_numpy()
    sent, planned = floats(requests["sent_us"]), floats(requests["planned_us"])
    urls = set(requests["path"].to_list())
    return Answers(
        paths=frozenset(url.partition("?")[0] for url in urls),
        user=floats(requests["user"]),
        served=status == 200,
        rejected=_rejected(requests, status == 503),
        pooled=_pooled(requests, urls),
        planned=np.where(np.isnan(planned), sent, planned),
        sent=sent,
        finished=floats(requests["finished_us"]),
        acquire=floats(requests["acquire_us"]),
        work=floats(requests["work_us"]),
        release=floats(requests["release_us"]),
        app=floats(requests["app_us"]),
    )


def floats(values: pl.Series) -> Floats:
    """Of whole numbers below 2⁵³, all of them exact; null is NaN."""
    return values.to_numpy().astype(np.float64, copy=False)


def known(values: Floats) -> Floats:
    """Without those that are missing."""
    return values[~np.isnan(values)]


def _rejected(requests: pl.DataFrame, refused: Flags) -> Flags:
    if not refused.any():
        return refused
    errors = requests["error"]
    in_vain: Flags = np.any([(errors == name).to_numpy() for name in TIMED_OUT], axis=0)
    return refused & in_vain


def _pooled(requests: pl.DataFrame, urls: set[str]) -> Flags:
    if not any(url.startswith(contract.NOOP) for url in urls):
        return np.ones(requests.height, dtype=np.bool_)
    return ~requests["path"].str.starts_with(contract.NOOP).to_numpy()
