"""The two ways in which users share a pool: tasks on an event loop that stands still between steps, and threads."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from queue import SimpleQueue
from typing import Any, Final, Protocol, TypeVar

import uvloop

from perf.histories.users import Command, User
from services.common.contract import Timing
from services.common.metrics import Metrics
from services.common.settings import Settings
from services.common.tracing import Tracing
from services.pools.asynchronous import AsyncPool
from services.pools.synchronous import SyncPool
from services.stacks import Stack

PAUSE_S: Final = 0.001
LONG_PAUSE_S: Final = 0.005
"""Between looks at what is not so after many."""
MANY_LOOKS: Final = 50
LAST_S: Final = 1.0
"""For users of a history that broke; what does not end by then is left behind."""
TURNS_WITHOUT_PAUSE: Final = 20
T = TypeVar("T")
Lives = Callable[[Any, Callable[[], Coroutine[Any, Any, Command]]], Coroutine[Any, Any, None]]
"""A user's life, over a pool and a way to get the next command."""


class Driver(Protocol):
    """Everything that a history does to a pool, for a model that knows neither tasks nor threads."""

    @property
    def cancels(self) -> bool:
        """Whether a user can be cancelled: a task can, a thread cannot."""

    @property
    def pool(self) -> AsyncPool[Any] | SyncPool[Any]: ...

    def open(self) -> None: ...
    def begin(self, user: User, life: Lives) -> None: ...
    def tell(self, user: User, command: Command) -> None: ...
    def cancel(self, user: User) -> None: ...
    def reconfigure(self, patch: dict[str, Any]) -> None: ...
    def turn(self, times: int) -> None:
        """Lets the users go on for so long, in turns of the loop."""

    def until(self, condition: Callable[[], bool], limit_s: float) -> bool:
        """Lets the users go on until it is so; whether it came true in time, which a busy machine makes longer."""

    def close(self) -> None:
        """Closes the pool."""

    def end(self) -> None:
        """Ends what users are left, and what they ran on."""


class Tasks:
    """Users are tasks. No task goes on between two calls, so that a history is played alike each time."""

    cancels = True

    def __init__(self, stack: Stack, library: Any, settings: Settings) -> None:
        self._loop = uvloop.new_event_loop()
        self._tasks: dict[User, asyncio.Task[None]] = {}
        self._inboxes: dict[User, asyncio.Queue[Command]] = {}
        self.pool = AsyncPool[Any](stack.name, library, settings, Metrics(stack.name), Tracing(stack.name))

    def open(self) -> None:
        self._run(self.pool.open())

    def begin(self, user: User, life: Lives) -> None:
        inbox: asyncio.Queue[Command] = asyncio.Queue()
        self._inboxes[user] = inbox
        self._tasks[user] = self._loop.create_task(life(Awaited(self.pool), inbox.get))

    def tell(self, user: User, command: Command) -> None:
        self._inboxes[user].put_nowait(command)

    def cancel(self, user: User) -> None:
        self._tasks[user].cancel()

    def reconfigure(self, patch: dict[str, Any]) -> None:
        self._run(self.pool.reconfigure(patch))

    def turn(self, times: int) -> None:
        async def turns() -> None:
            for _ in range(times):
                await asyncio.sleep(0)

        self._run(turns())

    def until(self, condition: Callable[[], bool], limit_s: float) -> bool:
        async def becomes() -> bool:
            deadline, turns = time.monotonic() + limit_s, 0
            while not condition():
                if time.monotonic() > deadline and turns > limit_s / LONG_PAUSE_S:
                    return False
                turns += 1
                await asyncio.sleep(_pause_s(turns) if turns > TURNS_WITHOUT_PAUSE else 0)
            return True

        return self._run(becomes())

    def close(self) -> None:
        self._run(self.pool.close())

    def end(self) -> None:
        async def cancel_all() -> None:
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.wait([*left, asyncio.create_task(asyncio.sleep(0))], timeout=LAST_S)

        self._run(cancel_all())
        self._loop.close()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        result: T = self._loop.run_until_complete(coroutine)
        return result


class Threads:
    """Users are threads, and go on whenever the machine lets them."""

    cancels = False

    def __init__(self, stack: Stack, library: Any, settings: Settings) -> None:
        self._threads: dict[User, threading.Thread] = {}
        self._inboxes: dict[User, SimpleQueue[Command]] = {}
        self.pool = SyncPool[Any](stack.name, library, settings, Metrics(stack.name), Tracing(stack.name))

    def open(self) -> None:
        self.pool.open()

    def begin(self, user: User, life: Lives) -> None:
        inbox: SimpleQueue[Command] = SimpleQueue()

        async def next_command() -> Command:
            return inbox.get()

        self._inboxes[user] = inbox
        thread = threading.Thread(target=_through, args=(life(Blocking(self.pool), next_command),), daemon=True)
        self._threads[user] = thread
        thread.start()

    def tell(self, user: User, command: Command) -> None:
        self._inboxes[user].put(command)

    def cancel(self, user: User) -> None:
        raise NotImplementedError("a thread cannot be cancelled")

    def reconfigure(self, patch: dict[str, Any]) -> None:
        self.pool.reconfigure(patch)

    def turn(self, times: int) -> None:
        """Nothing: they go on by themselves."""

    def until(self, condition: Callable[[], bool], limit_s: float) -> bool:
        deadline, looks = time.monotonic() + limit_s, 0
        while not condition():
            if time.monotonic() > deadline and looks > limit_s / LONG_PAUSE_S:
                return False
            looks += 1
            time.sleep(_pause_s(looks))
        return True

    def close(self) -> None:
        self.pool.close()

    def end(self) -> None:
        for inbox in self._inboxes.values():
            inbox.put(Command("give back"))
        for thread in self._threads.values():
            thread.join(LAST_S)


def _pause_s(looks: int) -> float:
    return LONG_PAUSE_S if looks > MANY_LOOKS else PAUSE_S


def _through(life: Coroutine[Any, Any, None]) -> None:
    """Runs a coroutine that never suspends."""
    try:
        life.send(None)
    except StopIteration:
        return
    raise AssertionError("a user in a thread has awaited something")


class Awaited:
    """An `AsyncPool` as users use it."""

    def __init__(self, pool: AsyncPool[Any]) -> None:
        self.books = pool.books
        self.acquire = pool.acquire
        self.release = pool.release
        self.checkout = pool.checkout

    async def execute(self, lease: Any, statement: str, *values: float) -> int:
        rows: int = await lease.generation.adapter.execute(lease.connection, statement, *values)
        return rows

    async def end(self, lease: Any) -> None:
        await lease.generation.adapter.end(lease.connection)


class Blocking:
    """A `SyncPool` as users use it; nothing in it suspends."""

    def __init__(self, pool: SyncPool[Any]) -> None:
        self.books = pool.books
        self._pool = pool

    async def acquire(self, timing: Timing) -> Any:
        return self._pool.acquire(timing)

    async def release(self, lease: Any) -> None:
        self._pool.release(lease)

    @asynccontextmanager
    async def checkout(self, timing: Timing) -> AsyncIterator[Any]:
        with self._pool.checkout(timing) as lease:
            yield lease

    async def execute(self, lease: Any, statement: str, *values: float) -> int:
        rows: int = lease.generation.adapter.execute(lease.connection, statement, *values)
        return rows

    async def end(self, lease: Any) -> None:
        lease.generation.adapter.end(lease.connection)
