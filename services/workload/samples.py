"""What a player writes while it plays, and the bench reads once after: one packed row per request.

The file of requests is rows of `ROW` and nothing else. A pool without HTTP also writes its own counts and its faults,
as lines of JSON. Standard library only.
"""

import math
import struct
from enum import IntEnum
from pathlib import Path
from typing import Final

REQUESTS: Final = "requests"
"""The file of the rows, in the directory of a job."""
LOOKS: Final = "looks.jsonl"
"""`[t_s, size, free, used, waiting, connecting]` for each look at the pool; null is what the library does not know."""
EVENTS: Final = "events.jsonl"
"""`[t_s, kind, text]` for each fault."""
LEAK: Final = "leak"
"""The kind of the event of one leaked connection, at the time at which it was answered."""
RELEASE: Final = "release_leaks"
"""The kind of the event at which connections that leaked were given back."""
NAN: Final = math.nan
ROW: Final = struct.Struct("<IIHHB3x7d")
"""n (order of sending, from 0), user (0 where requests have none), path (index into the mix), status (0: no answer),
error; planned (nan: no plan), sent and finished in seconds from t0; acquire, work, release and app in ms, by the
service's own clock (nan: not said)."""
BUFFER: Final = 1 << 16

Timing = tuple[float, float, float, float]
"""acquire, work, release and app in ms; nan for what is not known."""
NO_TIMING: Final[Timing] = (NAN, NAN, NAN, NAN)


class SampleError(IntEnum):
    """What went wrong with a request: said by the service (1 to 3) or met by the client."""

    none = 0
    pool_exhausted = 1
    pool_growing = 2
    database_unavailable = 3
    refused_connection = 4
    """Nothing listens at the address."""
    reset = 5
    """The connection broke before the whole answer had come."""
    gave_up = 6
    """No answer within `Workload.give_up_s`."""
    other = 7
    """Any other failure, answered (a 4xx, a 500) or not (a name that does not resolve)."""


class SampleWriter:
    """Appends rows to a file, from one thread or from many.

    Rows are packed as they come and kept nowhere: objects that stay in memory would call the garbage collector.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=BUFFER)

    def add(
        self,
        *,
        n: int,
        user: int,
        path: int,
        planned_s: float,
        sent_s: float,
        finished_s: float,
        status: int,
        error: SampleError,
        timing: Timing,
    ) -> None:
        """One request that is over. Times in seconds from t0, `timing` in ms."""
        # A buffered file writes a row as a whole: its own lock is the only one that threads need.
        self._file.write(ROW.pack(n, user, path, status, error, planned_s, sent_s, finished_s, *timing))

    def close(self) -> None:
        self._file.close()
