"""What a library's pool is asked for: the adapter of a stack is one of these two protocols, and nothing more.

An adapter is one pool of its library, made for one configuration and thrown away with it. Everything that is the same
for every library (generations, counts, leaks, answers) stands in `asynchronous` and `synchronous`, so that an adapter
shows its library: how the pool is made for each tuning, the connect hook, acquire and release by hand, the library's
own context manager, its errors, placeholders and transactions.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from importlib import import_module
from typing import Any, ClassVar, Final, NamedTuple, Protocol, Self, TypeVar

from services.common.books import Errors
from services.common.settings import Address, Config
from services.common.statements import Statement

TIMER_SLACK_S: Final = 0.002
"""uvloop's timers have whole milliseconds and fire up to 1.2 ms early; a request's timeout must never be early."""
C = TypeVar("C")
"""The library's connection."""
Connecting = Callable[[], AbstractContextManager[None]]
"""Goes around each connect to PostgreSQL, wherever the library makes it, so that connects are counted and timed."""


class Sizes(NamedTuple):
    """What the library says of its pool; None is what it does not know."""

    size: int | None
    free: int | None


class Adapter(Protocol):
    """What both kinds have."""

    DATABASE_ERRORS: ClassVar[Errors]
    """What the library raises when a connect or a statement fails."""
    TIMEOUT_ERRORS: ClassVar[Errors]
    """What it raises when a wait ends without a connection."""

    capacity: int
    """The most connections that this pool hands out: its size, and the library's overflow where it has one."""

    @staticmethod
    def shape(config: Config) -> tuple[Any, ...]:
        """What of a configuration needs a new pool when it changes."""

    def sizes(self) -> Sizes: ...


class AsyncAdapter(Adapter, Protocol[C]):
    """A pool on an event loop. Times are in seconds; timeouts raise TIMEOUT_ERRORS.

    An adapter takes a time as it is given: `timeout_s` is TIMER_SLACK_S more than a request has to wait, so that a
    timer that fires early ends no wait early. A time that an adapter hands to its library by itself needs the same.
    """

    @staticmethod
    async def ping(address: Address) -> None:
        """Connects once, without a pool. Raises DATABASE_ERRORS, or SettingsError where the library is unfit."""

    @classmethod
    async def open(cls, address: Address, config: Config, connecting: Connecting) -> Self:
        """A pool with `pool_min_size` connections made; raises as `ping` does, and leaves nothing open then."""

    async def acquire(self, timeout_s: float) -> C: ...

    async def release(self, connection: C) -> None:
        """Gives the connection back within a time of its own, not that of the acquire."""

    def checkout(self, timeout_s: float) -> AbstractAsyncContextManager[C]:
        """The same by the library's own context manager."""

    async def execute(self, connection: C, statement: Statement, *values: float) -> int:
        """Runs one statement, and returns how many rows came."""

    async def end(self, connection: C) -> None:
        """Ends the transaction that the first statement opened, where the tuning has one."""

    async def close(self, kept: Sequence[C]) -> None:
        """Closes the pool soon, whatever waits or holds; `kept` are leaked connections that are still referred to."""


class SyncAdapter(Adapter, Protocol[C]):
    """The same for threads, which share it. A lock's wait is never early, so that `timeout_s` has nothing added."""

    @staticmethod
    def ping(address: Address) -> None: ...

    @classmethod
    def open(cls, address: Address, config: Config, connecting: Connecting) -> Self: ...

    def acquire(self, timeout_s: float) -> C: ...

    def release(self, connection: C) -> None: ...

    def checkout(self, timeout_s: float) -> AbstractContextManager[C]: ...

    def execute(self, connection: C, statement: Statement, *values: float) -> int: ...

    def end(self, connection: C) -> None: ...

    def close(self, kept: Sequence[C]) -> None: ...


def adapter_of(package: str) -> Any:
    """The adapter of the stack in `package`: the class `Pool` of its `pool.py`, of either kind."""
    return import_module(f"{package}.pool").Pool
