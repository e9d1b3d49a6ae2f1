"""What is seen while a pool is played on without HTTP: who asked it when and got what, its counts, its faults.

In: moments on the monotonic clock, as they come, from a task or from many threads. Out: the files of a drive.
"""

import json
import logging
from itertools import count
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Final

from services.common.books import Refused
from services.common.contract import LeakedOnPurpose, Timing
from services.common.metrics import PoolStats
from services.inprocess.drive import EVENTS, POOL, POOL_COLUMNS, REQUEST_COLUMNS, REQUESTS

SERVED: Final = (200, "none")
BUFFER: Final = 1 << 16

log = logging.getLogger(__name__)


def answer_to(error: Exception) -> tuple[int, str]:
    """Status and error that the service would have answered; a bug is a 500, and is logged."""
    if isinstance(error, Refused):
        return 503, error.reason
    if not isinstance(error, LeakedOnPurpose):
        log.error("a request failed", exc_info=error)
    return 500, "other"


class Samples:
    """Writes text as it comes, and keeps nothing: what stays in memory would call the garbage collector."""

    def __init__(self, out: Path) -> None:
        self.t0 = 0.0
        self._number = count()
        self._lock = Lock()
        self._requests = (out / REQUESTS).open("w", buffering=BUFFER)
        self._pool = (out / POOL).open("w", buffering=BUFFER)
        self._events = (out / EVENTS).open("w")
        self._requests.write(",".join(REQUEST_COLUMNS) + "\n")
        self._pool.write(",".join(POOL_COLUMNS) + "\n")
        self.ended = 0
        """Rows written."""

    def begin(self) -> tuple[int, float]:
        """Somebody is about to ask: their number in the order of asking, and seconds from t0."""
        n = next(self._number)
        return n, monotonic() - self.t0

    def end(
        self, n: int, user: int, planned_s: float | None, sent_s: float, answer: tuple[int, str], timing: Timing
    ) -> None:
        """They are done, and the connection is back."""
        finished_s = monotonic() - self.t0
        status, error = answer
        planned = "" if planned_s is None else planned_s
        times = f"{timing.acquire_ms},{timing.work_ms},{timing.release_ms}"
        with self._lock:
            self.ended += 1
            self._requests.write(f"{n},{user},{planned},{sent_s},{finished_s},{status},{error},{times}\n")

    def look(self, stats: PoolStats) -> None:
        """The pool as it is now."""
        counted = stats.counted
        row = (stats.size, stats.free, counted.pool_used_size, counted.waiting_requests, counted.pool_connecting)
        known = ",".join("" if value is None else str(value) for value in row)
        self._pool.write(f"{monotonic() - self.t0},{known}\n")

    def happened(self, kind: str, text: str) -> None:
        """A fault has taken place."""
        self._events.write(json.dumps([monotonic() - self.t0, kind, text]) + "\n")

    def close(self) -> None:
        for file in (self._requests, self._pool, self._events):
            file.close()
