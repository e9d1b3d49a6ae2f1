"""What is played on a pool without HTTP, and the words between the process that plays it and who started it.

In: a `Drive` as one line on standard input, and a line for the start. Out: events as lines of JSON on standard output;
samples in files. Standard library only, so that the bench can import it too.

The process says `ready` with its pool open, takes one drive, warms up, says `warmed`, and waits for any further line,
while the bench reads what PostgreSQL has counted. Then it says `started` with `t0` (up to `LEAD_S` ahead on the
monotonic clock), plays, says `finished` when everybody is done, and keeps its pool open until its input ends. Where the
input ends before that, so does the process, whatever it is doing: it never outlives the bench.

`ready`, `warmed` and `finished` carry a report: `config`, what is in force, and `stats`, the body of `/pool/stats`.
Every event says `at_s`, when it was said on the monotonic clock.
"""

import json
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any, Final, Literal

from services.common.contract import How

LEAD_S: Final = 0.05
REQUESTS: Final = "requests.csv"
REQUEST_COLUMNS: Final = (
    "n", "user", "planned_s", "sent_s", "finished_s", "status", "error", "acquire_ms", "work_ms", "release_ms",
)  # fmt: skip
"""A row for each time that somebody asked the pool, in the order of their end; `n` counts in the order of asking.

Seconds from t0, empty where nothing was planned. `status` is what the service would have answered.
"""
POOL: Final = "pool.csv"
POOL_COLUMNS: Final = ("t_s", "size", "free", "used", "waiting", "connecting")
"""A row for each look at the pool; empty is what the library does not know."""
EVENTS: Final = "events.jsonl"
"""A line `[t_s, kind, text]` for each fault."""


Report = dict[str, Any]
"""`config` and `stats` of a pool at one moment."""

_go = threading.Event()
_finished = threading.Event()
_input_ended = threading.Event()


@dataclass(frozen=True, kw_only=True)
class Fault:
    """At `at_s`, `count` leaks one after another; where `how` is None, what was kept is given back."""

    at_s: float
    count: int = 1
    how: How | None = None


@dataclass(frozen=True, kw_only=True)
class Drive:
    """One load in seconds, from t0. What its kind does not need is left as it is."""

    kind: Literal["sequential", "burst", "closed", "open"]
    hold_ms: int
    out: str
    """The directory for the samples."""
    requests: int = 0
    """Sequential and burst."""
    planned_s: Sequence[float] = ()
    """Open: when each one asks, ascending."""
    steps: Sequence[Sequence[float]] = ()
    """Closed: (when, how many users from then on), ascending; begins at 0."""
    length_s: float = 0.0
    """Closed: when the last users leave."""
    think_s: float = 0.0
    faults: Sequence[Fault] = ()
    sample_every_s: float
    warm_up_rounds: int
    """How often every connection is used once, all at the same time, before t0."""
    warm_up_hold_ms: int


def encode(drive: Drive) -> str:
    """The drive's line, without the line end."""
    return json.dumps(asdict(drive))


def decode(line: str) -> Drive:
    """The drive as it was encoded, with lists for its tuples."""
    fields: dict[str, Any] = json.loads(line)
    fields["faults"] = [Fault(**fault) for fault in fields["faults"]]
    return Drive(**fields)


def receive() -> Drive:
    """Waits for the drive. From then on the process ends with its input, until it has said `finished`."""
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    threading.Thread(target=_end_with_input, name="input", daemon=True).start()
    return decode(line)


def say(event: str, **fields: Any) -> None:
    """One event, to whoever started the process."""
    os.write(1, json.dumps({"event": event, "at_s": monotonic(), **fields}).encode() + b"\n")


def wait_for_go() -> None:
    """Returns when whoever started the process has read what they want to know before the load."""
    _go.wait()


def finish(sent: int, report: Report) -> None:
    """Says how many asked, all of whom are in the samples, and waits until nobody looks at the pool any more."""
    _finished.set()
    say("finished", sent=sent, **report)
    _input_ended.wait()


def _end_with_input() -> None:
    while os.read(0, 4096):
        _go.set()
    if not _finished.is_set():
        os._exit(1)
    _input_ended.set()
