"""A user of a pool: it asks, holds, does what it is told, and gives back, as a handler does.

Its life is one coroutine for both kinds of pool: a task on an event loop, or run to its end in a thread of its own,
where nothing in it suspends.
"""

from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from perf.histories.session import ASKERS
from services.common.books import Books, Working
from services.common.contract import ROWS, Timing

FOR_EVER_S: Final = 600.0
State = Literal["asks", "holds", "gives back", "gone"]


class HandlerFailed(Exception):
    """A handler that fails while it holds a connection."""


@dataclass(frozen=True)
class Command:
    verb: Literal["use", "leave", "commit", "linger", "fail", "give back"]
    mark: int = 0


@dataclass(eq=False)
class User:
    """What is seen of one; the model only reads it."""

    number: int
    generation: int
    """Which pool was in force when it asked, counted from 0."""
    by_hand: bool
    """Acquires and releases by hand; else by the library's own context manager."""
    patience_s: float
    state: State = "asks"
    held: bool = False
    """It was handed a connection at some time."""
    pid: int | None = None
    outcome: str = ""
    told: int = 0
    done: int = 0
    lingers: bool = False
    cancelled: bool = False

    @property
    def busy(self) -> bool:
        """It has more to do than to hold its connection, or to linger with it."""
        return self.state == "holds" and not self.lingers and (self.pid is None or self.told > self.done)


class Shared(Protocol):
    """A pool that is awaited: `AsyncPool`, or `Blocking` over a `SyncPool`."""

    books: Books

    async def acquire(self, timing: Timing) -> Any: ...
    async def release(self, lease: Any) -> None: ...
    def checkout(self, timing: Timing) -> AbstractAsyncContextManager[Any]: ...
    async def execute(self, lease: Any, statement: str, *values: float) -> int: ...
    async def end(self, lease: Any) -> None: ...


class Watcher(Protocol):
    """The model, told at once, from whatever thread."""

    def holds(self, user: User) -> None: ...
    def knows(self, user: User, carried: int) -> None: ...
    def left(self, user: User, mark: int) -> None: ...
    def ends(self, user: User, error: BaseException | None) -> None: ...


@dataclass
class Life:
    """Of one user over a pool; `next_command` waits for what it is told."""

    user: User
    pool: Shared
    watcher: Watcher
    backend_of: Callable[[int], int]
    next_command: Callable[[], Coroutine[Any, Any, Command]]
    timing: Timing = field(default_factory=Timing)

    async def live(self) -> None:
        """From asking to having given back; every exception is told to the watcher, and goes no further."""
        error: BaseException | None = None
        try:
            await (self._by_hand() if self.user.by_hand else self._by_context_manager())
        except BaseException as raised:
            error = raised
        self.user.state = "gone"
        self.watcher.ends(self.user, error)

    async def _by_hand(self) -> None:
        lease = await self.pool.acquire(self.timing)
        try:
            await self._hold(lease)
        finally:
            self.user.state = "gives back"
            await self.pool.release(lease)

    async def _by_context_manager(self) -> None:
        async with self.pool.checkout(self.timing) as lease:
            try:
                await self._hold(lease)
            finally:
                self.user.state = "gives back"

    async def _hold(self, lease: Any) -> None:
        user, pool = self.user, self.pool
        self.watcher.holds(user)
        with Working(pool.books, lease.wait, lease.timing):
            asker = user.number % ASKERS
            carried = await pool.execute(lease, "burn", asker)
            user.pid = self.backend_of(asker)
            self.watcher.knows(user, carried)
            while (command := await self.next_command()).verb != "give back":
                await self._do(lease, command)
                user.done += 1

    async def _do(self, lease: Any, command: Command) -> None:
        match command.verb:
            case "use":
                rows = await self.pool.execute(lease, "items", ROWS)
                assert rows == ROWS, f"{rows} rows"
            case "leave":
                self.watcher.left(self.user, command.mark)  # even where it is cut off meanwhile
                await self.pool.execute(lease, "burn", -command.mark)
            case "commit":
                await self.pool.end(lease)
            case "linger":
                self.user.lingers = True
                await self.pool.execute(lease, "sleep", FOR_EVER_S)
            case "fail":
                raise HandlerFailed
