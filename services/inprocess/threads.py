"""Plays a workload with threads: one for each request in flight, and nothing between it and the pool.

`tasks` is the same in tasks.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import monotonic, sleep
from typing import Protocol, Self

from services.common.contract import How, Timing
from services.common.metrics import PoolStats
from services.inprocess import talk
from services.inprocess.samples import SERVED, Answer, Samples, answer_to
from services.inprocess.script import Crowd, User, fault_steps
from services.workload.arrivals import crowd_steps, planned_times
from services.workload.loads import Burst, Closed, Open, Sequential
from services.workload.samples import NAN
from services.workload.wire import LEAD_S, PoolJob


class Handlers(Protocol):
    """What a service does between a request and its answer."""

    def query(self, timing: Timing, hold_ms: int) -> object: ...

    def query_proper(self, timing: Timing, hold_ms: int) -> object: ...

    def query_leak(self, timing: Timing, how: How) -> object: ...

    def release_leaks(self) -> int: ...

    def snapshot(self) -> PoolStats: ...


def play(handlers: Handlers, job: PoolJob, report: Callable[[], talk.Report], threads: int) -> int:
    """Warms up, and plays the load to its last end; returns how many requests were sent.

    `report` is said when the pool is warm. `threads` are those of the service, of which each request has one to itself:
    with fewer than requests in flight, some wait in front of the pool. Raises what the warm-up fails with.
    """
    samples = Samples(Path(job.out))
    try:
        with ThreadPoolExecutor(threads, "request") as requests, ThreadPoolExecutor(2, "aside") as aside:
            player = _Player(handlers, job, samples, requests)
            player.warm_up()
            talk.say("warmed", **report())
            talk.wait_for_go()
            samples.t0 = monotonic() + LEAD_S
            talk.say("started", t0=samples.t0)
            player.play(aside)
    finally:
        sent = samples.close()
    return sent


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


class _Player:
    def __init__(self, handlers: Handlers, job: PoolJob, samples: Samples, requests: ThreadPoolExecutor) -> None:
        self._handlers = handlers
        self._query = handlers.query if job.release == "explicit" else handlers.query_proper
        self._job = job
        self._samples = samples
        self._requests = requests
        self._over = Event()
        load, seed = job.workload.load, job.workload.seed
        self._planned_s = planned_times(load, seed) if isinstance(load, Open) else []

    def warm_up(self) -> None:
        """Every connection prepares its statements, and every code path has been walked, before anything is timed."""
        for _ in range(self._job.warm_up_rounds):
            connections = range(self._handlers.snapshot().pool_max_size)
            list(self._requests.map(lambda _: self._query(Timing(), self._job.warm_up_hold_ms), connections))

    def play(self, beside: ThreadPoolExecutor) -> None:
        """To the last end; a fault that is under way then is seen through, so that its outcome is known."""
        aside = [beside.submit(self._look), beside.submit(self._go_wrong)]
        try:
            self._load()
        finally:
            self._over.set()
        for task in aside:
            task.result()
        self._samples.look(self._handlers.snapshot())

    def _load(self) -> None:
        match self._job.workload.load:
            case Sequential(requests=n):
                self._until(0.0)
                for _ in range(n):
                    self._ask(0)
            case Burst(requests=n):
                self._burst(n)
            case Open():
                self._open()
            case Closed() as load:
                self._closed(load)

    def _burst(self, requests: int) -> None:
        go = Event()

        def one(user: int) -> None:
            go.wait()
            self._ask(user, 0.0)

        with _Group(self._requests) as group:
            for user in range(requests):
                group.submit(one, user)
            self._until(0.0)
            go.set()

    def _open(self) -> None:
        with _Group(self._requests) as group:
            for planned_s in self._planned_s:
                self._until(planned_s)
                group.submit(self._ask, 0, planned_s)

    def _closed(self, load: Closed) -> None:
        crowd = Crowd(Event)
        with _Group(self._requests) as group:
            for when, users in crowd_steps(load):
                self._until(when)
                for user in crowd.become(users):
                    group.submit(self._use, user, load.think_s)

    def _use(self, user: User[Event], think_s: float) -> None:
        while True:
            self._ask(user.number)
            if think_s > 0:
                user.leave.wait(think_s)
            if user.leave.is_set():
                return

    def _ask(self, user: int, planned_s: float = NAN) -> None:
        timing, answer = Timing(), SERVED
        n, sent_s = self._samples.begin()
        try:
            self._query(timing, self._job.hold_ms)
        except Exception as error:
            answer = answer_to(error)
        self._samples.end(n, user, planned_s, sent_s, answer, timing)

    def _look(self) -> None:
        due = 0.0
        while not self._over_by(due):
            self._samples.look(self._handlers.snapshot())
            due = max(due + self._job.look_every_s, monotonic() - self._samples.t0)

    def _go_wrong(self) -> None:
        for step in fault_steps(self._job.faults):
            if self._over_by(step.at_s):
                return
            if step.how is None:
                self._samples.happened(*step.released(self._handlers.release_leaks()))
            else:
                self._samples.happened(*step.leaked(self._leak(step.how)))

    def _leak(self, how: How) -> Answer:
        try:
            self._handlers.query_leak(Timing(), how)
        except Exception as error:
            return answer_to(error)
        return SERVED

    def _over_by(self, at_s: float) -> bool:
        """Waits as `_until` does, or until the load is over, and says whether it is."""
        return self._over.wait(max(0.0, self._samples.t0 + at_s - monotonic()))

    def _until(self, at_s: float) -> None:
        """Returns `at_s` seconds after t0, never early."""
        while (left := self._samples.t0 + at_s - monotonic()) > 0:
            sleep(left)
