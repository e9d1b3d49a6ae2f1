"""Plays a drive with tasks on one event loop: as many as ask at once, and nothing between them and the pool.

In: a drive, and a service's handlers without their HTTP. Out: the files of the drive. `threads` is the same in threads.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Protocol

from services.common.contract import How, Timing
from services.common.metrics import PoolStats
from services.inprocess import drive
from services.inprocess.drive import Drive, Fault
from services.inprocess.samples import SERVED, Samples, answer_to


class Handlers(Protocol):
    """What a service does between a request and its answer."""

    async def query(self, timing: Timing, hold_ms: int) -> object: ...

    async def query_leak(self, timing: Timing, how: How) -> object: ...

    async def release_leaks(self) -> int: ...

    def snapshot(self) -> PoolStats: ...

    @property
    def report(self) -> Callable[[], drive.Report]: ...


async def play(handlers: Handlers, asked: Drive) -> int:
    """Warms up, and plays the load to its last end; returns how many asked. Raises what the warm-up fails with."""
    samples = Samples(Path(asked.out))
    try:
        await _warm_up(handlers, asked)
        drive.say("warmed", **handlers.report())
        await asyncio.to_thread(drive.wait_for_go)
        samples.t0 = monotonic() + drive.LEAD_S
        drive.say("started", t0=samples.t0)
        await _Player(handlers, asked, samples).play()
    finally:
        samples.close()
    return samples.ended


async def _warm_up(handlers: Handlers, asked: Drive) -> None:
    """Every connection prepares its statements, and every code path has been walked, before anything is timed."""
    for _ in range(asked.warm_up_rounds):
        await asyncio.gather(
            *(handlers.query(Timing(), asked.warm_up_hold_ms) for _ in range(handlers.snapshot().max_size))
        )


@dataclass(eq=False)
class _User:
    """Somebody who asks again and again, and may be told to leave."""

    number: int
    leave: asyncio.Event = field(default_factory=asyncio.Event)


class _Player:
    def __init__(self, handlers: Handlers, asked: Drive, samples: Samples) -> None:
        self._handlers = handlers
        self._drive = asked
        self._samples = samples
        self._over = asyncio.Event()

    async def play(self) -> None:
        """To the last end; a fault that is under way then is seen through, so that its outcome is known."""
        loads = {"sequential": self._sequential, "burst": self._burst, "closed": self._closed, "open": self._open}
        async with asyncio.TaskGroup() as aside:
            aside.create_task(self._look())
            aside.create_task(self._go_wrong(self._drive.faults))
            try:
                await loads[self._drive.kind]()
            finally:
                self._over.set()
        self._samples.look(self._handlers.snapshot())

    async def _sequential(self) -> None:
        await self._until(0.0)
        for _ in range(self._drive.requests):
            await self._ask(0)

    async def _burst(self) -> None:
        go = asyncio.Event()

        async def one(user: int) -> None:
            await go.wait()
            await self._ask(user, 0.0)

        async with asyncio.TaskGroup() as group:
            for user in range(self._drive.requests):
                group.create_task(one(user))
            await self._until(0.0)
            go.set()

    async def _open(self) -> None:
        async with asyncio.TaskGroup() as group:
            for planned_s in self._drive.planned_s:
                await self._until(planned_s)
                group.create_task(self._ask(0, planned_s))

    async def _closed(self) -> None:
        """Users come and go by the steps. The last to come goes first, once they have their answer."""
        present: list[_User] = []
        seen = 0
        async with asyncio.TaskGroup() as group:
            for when, users in self._drive.steps:
                await self._until(when)
                while users > len(present):
                    present.append(_User(seen))
                    group.create_task(self._use(present[-1]))
                    seen += 1
                while users < len(present):
                    present.pop().leave.set()
            await self._until(self._drive.length_s)
            for user in present:
                user.leave.set()

    async def _use(self, user: _User) -> None:
        while True:
            await self._ask(user.number)
            if self._drive.think_s > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._drive.think_s):
                        await user.leave.wait()
            if user.leave.is_set():
                return

    async def _ask(self, user: int, planned_s: float | None = None) -> None:
        timing, answer = Timing(), SERVED
        n, sent_s = self._samples.begin()
        try:
            await self._handlers.query(timing, self._drive.hold_ms)
        except Exception as error:
            answer = answer_to(error)
        self._samples.end(n, user, planned_s, sent_s, answer, timing)

    async def _look(self) -> None:
        due = 0.0
        while not await self._over_by(due):
            self._samples.look(self._handlers.snapshot())
            due = max(due + self._drive.sample_every_s, monotonic() - self._samples.t0)

    async def _go_wrong(self, faults: Sequence[Fault]) -> None:
        for fault in faults:
            if await self._over_by(fault.at_s):
                return
            if fault.how is None:
                self._samples.happened("release_leaks", f"{await self._handlers.release_leaks()} given back")
                continue
            for nth in range(1, fault.count + 1):
                if self._over.is_set():
                    return
                status = await self._leak(fault.how)
                self._samples.happened("leak", f"{fault.how}, {nth} of {fault.count}: {status}")

    async def _leak(self, how: How) -> int:
        try:
            await self._handlers.query_leak(Timing(), how)
        except Exception as error:
            return answer_to(error)[0]
        return SERVED[0]

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
