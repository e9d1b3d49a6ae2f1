"""Plays a workload with tasks on one event loop: one for each request in flight, and nothing between it and the pool.

`threads` is the same in threads.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Protocol

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

    async def query(self, timing: Timing, hold_ms: int) -> object: ...

    async def query_proper(self, timing: Timing, hold_ms: int) -> object: ...

    async def query_leak(self, timing: Timing, how: How) -> object: ...

    async def release_leaks(self) -> int: ...

    def snapshot(self) -> PoolStats: ...


async def play(handlers: Handlers, job: PoolJob, report: Callable[[], talk.Report]) -> int:
    """Warms up, and plays the load to its last end; returns how many requests were sent.

    `report` is said when the pool is warm. Raises what the warm-up fails with.
    """
    samples = Samples(Path(job.out))
    try:
        player = _Player(handlers, job, samples)
        await player.warm_up()
        talk.say("warmed", **report())
        await asyncio.to_thread(talk.wait_for_go)
        samples.t0 = monotonic() + LEAD_S
        talk.say("started", t0=samples.t0)
        await player.play()
    finally:
        sent = samples.close()
    return sent


class _Player:
    def __init__(self, handlers: Handlers, job: PoolJob, samples: Samples) -> None:
        self._handlers = handlers
        self._query = handlers.query if job.release == "explicit" else handlers.query_proper
        self._job = job
        self._samples = samples
        self._over = asyncio.Event()
        load, seed = job.workload.load, job.workload.seed
        self._planned_s = planned_times(load, seed) if isinstance(load, Open) else []

    async def warm_up(self) -> None:
        """Every connection prepares its statements, and every code path has been walked, before anything is timed."""
        for _ in range(self._job.warm_up_rounds):
            size = self._handlers.snapshot().pool_max_size
            await asyncio.gather(*(self._query(Timing(), self._job.warm_up_hold_ms) for _ in range(size)))

    async def play(self) -> None:
        """To the last end; a fault that is under way then is seen through, so that its outcome is known."""
        async with asyncio.TaskGroup() as aside:
            aside.create_task(self._look())
            aside.create_task(self._go_wrong())
            try:
                await self._load()
            finally:
                self._over.set()
        self._samples.look(self._handlers.snapshot())

    async def _load(self) -> None:
        match self._job.workload.load:
            case Sequential(requests=n):
                await self._until(0.0)
                for _ in range(n):
                    await self._ask(0)
            case Burst(requests=n):
                await self._burst(n)
            case Open():
                await self._open()
            case Closed() as load:
                await self._closed(load)

    async def _burst(self, requests: int) -> None:
        go = asyncio.Event()

        async def one(user: int) -> None:
            await go.wait()
            await self._ask(user, 0.0)

        async with asyncio.TaskGroup() as group:
            for user in range(requests):
                group.create_task(one(user))
            await self._until(0.0)
            go.set()

    async def _open(self) -> None:
        async with asyncio.TaskGroup() as group:
            for planned_s in self._planned_s:
                await self._until(planned_s)
                group.create_task(self._ask(0, planned_s))

    async def _closed(self, load: Closed) -> None:
        crowd = Crowd(asyncio.Event)
        async with asyncio.TaskGroup() as group:
            for when, users in crowd_steps(load):
                await self._until(when)
                for user in crowd.become(users):
                    group.create_task(self._use(user, load.think_s))

    async def _use(self, user: User[asyncio.Event], think_s: float) -> None:
        while True:
            await self._ask(user.number)
            if think_s > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(think_s):
                        await user.leave.wait()
            if user.leave.is_set():
                return

    async def _ask(self, user: int, planned_s: float = NAN) -> None:
        timing, answer = Timing(), SERVED
        n, sent_s = self._samples.begin()
        try:
            await self._query(timing, self._job.hold_ms)
        except Exception as error:
            answer = answer_to(error)
        self._samples.end(n, user, planned_s, sent_s, answer, timing)

    async def _look(self) -> None:
        due = 0.0
        while not await self._over_by(due):
            self._samples.look(self._handlers.snapshot())
            due = max(due + self._job.look_every_s, monotonic() - self._samples.t0)

    async def _go_wrong(self) -> None:
        for step in fault_steps(self._job.faults):
            if await self._over_by(step.at_s):
                return
            if step.how is None:
                self._samples.happened(*step.released(await self._handlers.release_leaks()))
            else:
                self._samples.happened(*step.leaked(await self._leak(step.how)))

    async def _leak(self, how: How) -> Answer:
        try:
            await self._handlers.query_leak(Timing(), how)
        except Exception as error:
            return answer_to(error)
        return SERVED

    async def _over_by(self, at_s: float) -> bool:
        """Waits as `_until` does, or until the load is over, and says whether it is."""
        while not self._over.is_set() and (left := self._samples.t0 + at_s - monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._over.wait()
        return self._over.is_set()

    async def _until(self, at_s: float) -> None:
        """Returns `at_s` seconds after t0, never early; a timer of uvloop may be."""
        while (left := self._samples.t0 + at_s - monotonic()) > 0:
            await asyncio.sleep(left)
