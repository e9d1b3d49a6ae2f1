"""What is seen while a workload is played on a pool without HTTP: requests, counts of the pool, faults.

Moments are on the monotonic clock, and come from a task or from many threads.
"""

import json
import logging
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Final

from services.common.contract import LeakedOnPurpose, Refused, Timing
from services.common.metrics import PoolStats
from services.workload.samples import BUFFER, EVENTS, LOOKS, NAN, REQUESTS, SampleError, SampleWriter

Answer = tuple[int, SampleError]
SERVED: Final[Answer] = (200, SampleError.none)

log = logging.getLogger(__name__)


def answer_to(error: Exception) -> Answer:
    """Status and error that the service would have answered; a bug is a 500, and is logged."""
    if isinstance(error, Refused):
        return 503, SampleError[error.reason]
    if not isinstance(error, LeakedOnPurpose):
        log.error("a request failed", exc_info=error)
    return 500, SampleError.other


class Samples:
    """The files of a job. `t0` is set before the first request."""

    def __init__(self, out: Path) -> None:
        self.t0 = 0.0
        self._number = count()
        self._requests = SampleWriter(out / REQUESTS)
        self._looks = (out / LOOKS).open("w", buffering=BUFFER)
        self._events = (out / EVENTS).open("w")

    def begin(self) -> tuple[int, float]:
        """A request is about to be sent: its number, and seconds from t0."""
        n = next(self._number)
        return n, monotonic() - self.t0

    def end(self, n: int, user: int, planned_s: float, sent_s: float, answer: Answer, timing: Timing) -> None:
        """It is over, and its connection is back. `planned_s` is nan where nothing was planned."""
        finished_s = monotonic() - self.t0
        status, error = answer
        self._requests.add(
            n=n,
            user=user,
            path=0,
            planned_s=planned_s,
            sent_s=sent_s,
            finished_s=finished_s,
            status=status,
            error=error,
            timing=(timing.acquire_ms, timing.work_ms, timing.release_ms, NAN),
        )

    def look(self, stats: PoolStats) -> None:
        """The pool as it is now."""
        now = stats.counted
        told = stats.pool_size, stats.pool_free_size
        counted = now.pool_used_size, now.waiting_requests, now.pool_connecting
        self._looks.write(json.dumps([monotonic() - self.t0, *told, *counted]) + "\n")

    def happened(self, kind: str, text: str) -> None:
        """A fault has taken place."""
        self._events.write(json.dumps([monotonic() - self.t0, kind, text]) + "\n")

    def close(self) -> int:
        """Returns how many requests were sent."""
        self._requests.close()
        self._looks.close()
        self._events.close()
        return next(self._number)
