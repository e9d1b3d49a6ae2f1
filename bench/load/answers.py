"""What an answer over HTTP says of its request: its times, and what went wrong."""

import json
from typing import Final

from services.workload.samples import NO_TIMING, SampleError, Timing

_SAID_BY_SERVICE: Final = {
    error.name: error
    for error in (SampleError.pool_exhausted, SampleError.pool_growing, SampleError.database_unavailable)
}
_TIMINGS: Final = {"acquire": 0, "work": 1, "release": 2, "app": 3}


def server_timing(header: str | None) -> Timing:
    """acquire, work, release and app in ms out of a `Server-Timing` header; nan for what it does not say.

    >>> server_timing("acquire;dur=1.5, app;dur=12")
    (1.5, nan, nan, 12.0)
    """
    if not header:
        return NO_TIMING
    found = list(NO_TIMING)
    for metric in header.split(","):
        name, _, duration = metric.partition(";dur=")
        index = _TIMINGS.get(name.strip())
        if index is not None:
            try:
                found[index] = float(duration)
            except ValueError:
                continue
    return found[0], found[1], found[2], found[3]


def answer_error(status: int, body: bytes) -> SampleError:
    """none for a 2xx, else what `detail.error` of the body says; `other` where that is nothing known."""
    if 200 <= status < 300:
        return SampleError.none
    try:
        return _SAID_BY_SERVICE[json.loads(body)["detail"]["error"]]
    except (ValueError, KeyError, TypeError):
        return SampleError.other
