"""The process's side of a job without HTTP: it takes a `PoolJob` on standard input, and says events on standard output.

The process says `ready` with its pool open, takes one job, warms up, says `warmed`, and waits for any further line,
while the bench reads what PostgreSQL has counted. Then it says `started` with `t0` (up to `LEAD_S` ahead on the
monotonic clock), plays, says `finished` after the last request, and keeps its pool open until its input ends. Where the
input ends before that, so does the process, whatever it is doing: it never outlives the bench.

`ready`, `warmed` and `finished` carry a report: `config`, what is in force, and `stats`, the body of `/pool/stats`.
Every event says `at_s`, when it was said on the monotonic clock.
"""

import os
import sys
import threading
from time import monotonic
from typing import Any

from services.workload.wire import PoolJob, decode, event

Report = dict[str, Any]
"""`config` and `stats` of a pool at one moment."""

_go = threading.Event()
_finished = threading.Event()
_input_ended = threading.Event()


def receive() -> PoolJob:
    """Waits for the job. From then on the process ends with its input, until it has said `finished`."""
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    threading.Thread(target=_end_with_input, name="input", daemon=True).start()
    return decode(line, PoolJob)


def say(name: str, **fields: Any) -> None:
    """One event, for the bench."""
    os.write(1, event(name, at_s=monotonic(), **fields))


def wait_for_go() -> None:
    """Returns when the bench has read what it wants to know before the load."""
    _go.wait()


def finish(sent: int, report: Report) -> None:
    """Says how many requests were sent, and waits until the bench has looked at the pool for the last time."""
    _finished.set()
    say("finished", sent=sent, **report)
    _input_ended.wait()


def _end_with_input() -> None:
    while os.read(0, 4096):
        _go.set()
    if not _finished.is_set():
        os._exit(1)
    _input_ended.set()
