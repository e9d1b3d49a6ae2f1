"""What the bench and a player of workloads say to each other: a line of JSON for a job, and events as lines back.

A player is a process that plays one workload at a time: the load generator, or a pool without HTTP. Every event names
itself in `event`; `started` comes with `t0` (CLOCK_MONOTONIC, seconds), which lies up to `LEAD_S` ahead.

The load generator says `ready` once. Then, for each job, it says `started` and at the end `finished` with the fields of
`Result`; or `failed` with `error` where the job cannot be played. It is ready for the next job after both.
A pool without HTTP takes one job; its events are in `services.inprocess.talk`.
"""

import json
import os
import selectors
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any, Final, TypeVar, get_args

from services.common.contract import How, Release
from services.workload.loads import Load, Share, Stage, Workload

LEAD_S: Final = 0.05
"""From the word that a load starts to its first request: time for the bench to start its clocks."""
PIPE_BYTES: Final = 65_536

_KINDS: Final[dict[str, type[Load]]] = {load.kind: load for load in get_args(Load)}


@dataclass(frozen=True, kw_only=True)
class Job:
    """A workload, and the directory for its samples."""

    workload: Workload
    out: str


@dataclass(frozen=True, kw_only=True)
class HttpJob(Job):
    """A workload for a service at an address."""

    base_url: str


@dataclass(frozen=True, kw_only=True)
class Fault:
    """At `at_s` seconds from t0, `count` leaks one after another; where `how` is None, kept connections go back."""

    at_s: float
    count: int = 1
    how: How | None = None


@dataclass(frozen=True, kw_only=True)
class PoolJob(Job):
    """A workload for the pool in the player's own process, with what happens there beside it.

    Requests hold a connection for `hold_ms`, and give it back as `release` says.
    """

    hold_ms: int
    release: Release
    faults: tuple[Fault, ...] = ()
    look_every_s: float
    """How often the pool's counts are written down."""
    warm_up_rounds: int
    """How often every connection is used once, all at the same time, before t0."""
    warm_up_hold_ms: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """How the load generator played a job, whatever became of its requests."""

    t0: float
    """CLOCK_MONOTONIC, seconds: where all times of the samples count from."""
    sent: int
    """Requests sent = rows written."""
    cpu_s: float
    """CPU of the generator, user and system, from t0 to the last answer."""


AnyJob = TypeVar("AnyJob", HttpJob, PoolJob)


def encode(job: Job) -> str:
    """The job's line, without the line end."""
    return json.dumps(asdict(job))


def decode(line: str | bytes, kind: type[AnyJob]) -> AnyJob:
    """The job as it was encoded."""
    fields: dict[str, Any] = json.loads(line)
    fields["workload"] = _workload(fields["workload"])
    if "faults" in fields:
        fields["faults"] = tuple(Fault(**fault) for fault in fields["faults"])
    return kind(**fields)


def _workload(fields: dict[str, Any]) -> Workload:
    load, mix = fields.pop("load"), fields.pop("mix")
    if "stages" in load:
        load["stages"] = tuple(Stage(**stage) for stage in load["stages"])
    return Workload(load=_KINDS[load["kind"]](**load), mix=tuple(Share(**share) for share in mix), **fields)


def event(name: str, **fields: object) -> bytes:
    """An event's line, with its end."""
    return json.dumps({"event": name, **fields}).encode() + b"\n"


class Events:
    """The events of a player, read from its pipe one at a time."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._unread = b""

    def next(self, deadline: float) -> dict[str, Any]:
        """Waits for the next event until `deadline` on the monotonic clock.

        Raises TimeoutError when that has passed, and EOFError where the player has ended.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(self._pipe, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0.0, deadline - monotonic())):
                    raise TimeoutError("the player has said nothing more")
                block = os.read(self._pipe, PIPE_BYTES)
                if not block:
                    raise EOFError("the player has ended")
                self._unread += block
        line, _, self._unread = self._unread.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        return said
