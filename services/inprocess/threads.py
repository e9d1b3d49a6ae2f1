"""Plays a drive with threads: as many as ask at once, and nothing between them and the pool.

In: a drive, and a service's handlers without their HTTP. Out: the files of the drive. `tasks` is the same in tasks.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from time import monotonic, sleep
from typing import Protocol, Self

from services.common.contract import How, Timing
from services.common.metrics import PoolStats
from services.inprocess import drive
from services.inprocess.drive import Drive, Fault
from services.inprocess.samples import SERVED, Samples, answer_to


class Handlers(Protocol):
    """What a service does between a request and its answer."""

    def query(self, timing: Timing, hold_ms: int) -> object: ...

    def query_leak(self, timing: Timing, how: How) -> object: ...

    def release_leaks(self) -> int: ...

    def snapshot(self) -> PoolStats: ...

    @property
    def report(self) -> Callable[[], drive.Report]: ...


def play(handlers: Handlers, asked: Drive, threads: int) -> int:
    """Warms up, and plays the load to its last end; returns how many asked. Raises what the warm-up fails with.

    `threads` are those of the service, of which each request has one to itself: with fewer than requests in
    flight, some wait in front of the pool.
    """
    samples = Samples(Path(asked.out))
    try:
        with ThreadPoolExecutor(threads, "request") as requests, ThreadPoolExecutor(2, "aside") as aside:
            _warm_up(handlers, asked, requests)
            drive.say("warmed", **handlers.report())
            drive.wait_for_go()
            samples.t0 = monotonic() + drive.LEAD_S
            drive.say("started", t0=samples.t0)
            _Player(handlers, asked, samples, requests).play(aside)
    finally:
        samples.close()
    return samples.ended


def _warm_up(handlers: Handlers, asked: Drive, requests: ThreadPoolExecutor) -> None:
    """Every connection prepares its statements, and every code path has been walked, before anything is timed."""
    for _ in range(asked.warm_up_rounds):
        connections = range(handlers.snapshot().max_size)
        list(requests.map(lambda _: handlers.query(Timing(), asked.warm_up_hold_ms), connections))


class _Group:
    """What has been begun together: leaving the block waits for all of it, and raises what one failed with."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads
        self._begun: list[Future[None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for future in self._begun:
            future.result()

    def submit(self, call: Callable[..., None], *arguments: object) -> None:
        self._begun.append(self._threads.submit(call, *arguments))


@dataclass(eq=False)
class _User:
    """Somebody who asks again and again, and may be told to leave."""

    number: int
    leave: Event = field(default_factory=Event)


class _Player:
    def __init__(self, handlers: Handlers, asked: Drive, samples: Samples, requests: ThreadPoolExecutor) -> None:
        self._handlers = handlers
        self._drive = asked
        self._samples = samples
        self._requests = requests
        self._over = Event()

    def play(self, beside: ThreadPoolExecutor) -> None:
        """To the last end; a fault that is under way then is seen through, so that its outcome is known."""
        loads = {"sequential": self._sequential, "burst": self._burst, "closed": self._closed, "open": self._open}
        aside = [beside.submit(self._look), beside.submit(self._go_wrong, self._drive.faults)]
        try:
            loads[self._drive.kind]()
        finally:
            self._over.set()
        for task in aside:
            task.result()
        self._samples.look(self._handlers.snapshot())

    def _sequential(self) -> None:
        self._until(0.0)
        for _ in range(self._drive.requests):
            self._ask(0)

    def _burst(self) -> None:
        go = Event()

        def one(user: int) -> None:
            go.wait()
            self._ask(user, 0.0)

        with _Group(self._requests) as group:
            for user in range(self._drive.requests):
                group.submit(one, user)
            self._until(0.0)
            go.set()

    def _open(self) -> None:
        with _Group(self._requests) as group:
            for planned_s in self._drive.planned_s:
                self._until(planned_s)
                group.submit(self._ask, 0, planned_s)

    def _closed(self) -> None:
        """Users come and go by the steps. The last to come goes first, once they have their answer."""
        present: list[_User] = []
        seen = 0
        with _Group(self._requests) as group:
            for when, users in self._drive.steps:
                self._until(when)
                while users > len(present):
                    present.append(_User(seen))
                    group.submit(self._use, present[-1])
                    seen += 1
                while users < len(present):
                    present.pop().leave.set()
            self._until(self._drive.length_s)
            for user in present:
                user.leave.set()

    def _use(self, user: _User) -> None:
        while True:
            self._ask(user.number)
            if self._drive.think_s > 0:
                user.leave.wait(self._drive.think_s)
            if user.leave.is_set():
                return

    def _ask(self, user: int, planned_s: float | None = None) -> None:
        timing, answer = Timing(), SERVED
        n, sent_s = self._samples.begin()
        try:
            self._handlers.query(timing, self._drive.hold_ms)
        except Exception as error:
            answer = answer_to(error)
        self._samples.end(n, user, planned_s, sent_s, answer, timing)

    def _look(self) -> None:
        due = 0.0
        while not self._over.wait(max(0.0, self._samples.t0 + due - monotonic())):
            self._samples.look(self._handlers.snapshot())
            due = max(due + self._drive.sample_every_s, monotonic() - self._samples.t0)

    def _go_wrong(self, faults: Sequence[Fault]) -> None:
        for fault in faults:
            if self._over.wait(max(0.0, self._samples.t0 + fault.at_s - monotonic())):
                return
            if fault.how is None:
                self._samples.happened("release_leaks", f"{self._handlers.release_leaks()} given back")
                continue
            for nth in range(1, fault.count + 1):
                if self._over.is_set():
                    return
                status = self._leak(fault.how)
                self._samples.happened("leak", f"{fault.how}, {nth} of {fault.count}: {status}")

    def _leak(self, how: How) -> int:
        try:
            self._handlers.query_leak(Timing(), how)
        except Exception as error:
            return answer_to(error)[0]
        return SERVED[0]

    def _until(self, at_s: float) -> None:
        """Returns `at_s` seconds after t0, never early."""
        while (left := self._samples.t0 + at_s - monotonic()) > 0:
            sleep(left)
