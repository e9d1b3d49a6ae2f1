"""The bare libraries' ways of giving a connection back, each played by users in a closed loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from threading import Thread
from time import monotonic, sleep
from typing import Any, Final

import asyncpg
import sqlalchemy.exc
from psycopg_pool import ConnectionPool, PoolTimeout
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

REJECTED: Final = (TimeoutError, sqlalchemy.exc.TimeoutError, PoolTimeout)


@dataclass(frozen=True, kw_only=True)
class Load:
    """Users without think time; times in seconds."""

    users: int
    size: int
    hold_s: float
    timeout_s: float
    seconds: float


class Crowd:
    """What the users of one play share: its end, by `monotonic`, and the requests that wait."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.ends = monotonic() + load.seconds
        self.asked = 0
        self.waiting: set[int] = set()
        self.overtook = 0
        """Requests served while one waited that had asked earlier."""
        self.users = [User(self) for _ in range(load.users)]


@dataclass
class User:
    crowd: Crowd
    served: int = 0
    rejected: int = 0
    longest_s: float = 0.0
    _asked_s: float = 0.0
    _number: int = 0

    def asks(self) -> bool:
        """False at the end."""
        self._asked_s = monotonic()
        if self._asked_s >= self.crowd.ends:
            return False
        self.crowd.asked = self._number = self.crowd.asked + 1
        self.crowd.waiting.add(self._number)
        return True

    def is_served(self) -> None:
        if self._in_time():
            self.served += 1
            self.crowd.overtook += min(self.crowd.waiting, default=self._number) < self._number

    def is_rejected(self) -> None:
        self.rejected += self._in_time()

    def _in_time(self) -> bool:
        """Ends the wait; where the play has ended before, the wait counts until then."""
        self.crowd.waiting.discard(self._number)
        now = monotonic()
        self.longest_s = max(self.longest_s, min(now, self.crowd.ends) - self._asked_s)
        return now < self.crowd.ends

    async def holds(self, *first: Awaitable[object]) -> None:
        self.is_served()
        for statement in first:
            await statement
        await asyncio.sleep(self.crowd.load.hold_s)

    def holds_thread(self) -> None:
        self.is_served()
        sleep(self.crowd.load.hold_s)


AsyncWay = Callable[[Any, User], Awaitable[None]]
ThreadWay = Callable[[ConnectionPool, User], None]
Opened = Callable[[str, Load], AbstractAsyncContextManager[Any]]


async def sqlalchemy_by_hand(engine: AsyncEngine, user: User, *sql: TextClause) -> None:
    connection = await engine.connect()
    try:
        await user.holds(*map(connection.execute, sql))
    finally:
        await connection.close()


async def sqlalchemy_context(engine: AsyncEngine, user: User, *sql: TextClause) -> None:
    async with engine.connect() as connection:
        await user.holds(*map(connection.execute, sql))


async def with_a_statement(way: Callable[..., Awaitable[None]], engine: AsyncEngine, user: User) -> None:
    """The hold begins with a statement, and so the release with a rollback."""
    await way(engine, user, text("SELECT 1"))


async def sqlalchemy_aclosing(engine: AsyncEngine, user: User) -> None:
    async with aclosing(await engine.connect()):
        await user.holds()


async def sqlalchemy_task(engine: AsyncEngine, user: User) -> None:
    connection = await engine.connect()
    try:
        await user.holds()
    finally:
        await asyncio.create_task(connection.close())


async def asyncpg_by_hand(pool: Any, user: User) -> None:
    connection = await pool.acquire(timeout=user.crowd.load.timeout_s)
    try:
        await user.holds()
    finally:
        await pool.release(connection)


async def asyncpg_context(pool: Any, user: User) -> None:
    async with pool.acquire(timeout=user.crowd.load.timeout_s):
        await user.holds()


async def asyncpg_no_task(pool: Any, user: User) -> None:
    """What `Pool.release` does, without its `asyncio.shield`."""
    connection = await pool.acquire(timeout=user.crowd.load.timeout_s)
    try:
        await user.holds()
    finally:
        connection._con._on_release()  # noqa: SLF001  what no public way leaves out
        await connection._holder.release(None)  # noqa: SLF001  likewise


def psycopg_by_hand(pool: ConnectionPool, user: User) -> None:
    connection = pool.getconn()
    try:
        user.holds_thread()
    finally:
        pool.putconn(connection)


def psycopg_context(pool: ConnectionPool, user: User) -> None:
    with pool.connection():
        user.holds_thread()


async def then_turns(way: AsyncWay, turns: int, pool: Any, user: User) -> None:
    """The way, and after it so many turns of the event loop are given up."""
    await way(pool, user)
    for _ in range(turns):
        await asyncio.sleep(0)


@asynccontextmanager
async def sqlalchemy_pool(dsn: str, load: Load, *, use_lifo: bool = False) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(
        dsn.replace("postgresql:", "postgresql+asyncpg:", 1),
        pool_size=load.size,
        max_overflow=0,
        pool_timeout=load.timeout_s,
        pool_use_lifo=use_lifo,
    )
    for connection in [await engine.connect() for _ in range(load.size)]:
        await connection.close()
    yield engine
    await engine.dispose()


@asynccontextmanager
async def asyncpg_pool(dsn: str, load: Load, **options: Any) -> AsyncIterator[Any]:
    async with asyncpg.create_pool(dsn, min_size=load.size, max_size=load.size, **options) as pool:
        yield pool


async def no_reset(_: Any) -> None:
    """In place of asyncpg's query that resets a session on release."""


def tasks(opened: Opened, way: AsyncWay, dsn: str, load: Load) -> Crowd:
    """Plays it by tasks on an event loop."""

    async def asks(pool: Any, user: User) -> None:
        while user.asks():
            try:
                await way(pool, user)
            except REJECTED:
                user.is_rejected()

    async def play() -> Crowd:
        async with opened(dsn, load) as pool:
            crowd = Crowd(load)
            await asyncio.gather(*(asks(pool, user) for user in crowd.users))
            return crowd

    return asyncio.run(play())


def threads(way: ThreadWay, dsn: str, load: Load) -> Crowd:
    """Plays it by a thread for each user."""

    def asks(user: User) -> None:
        while user.asks():
            try:
                way(pool, user)
            except REJECTED:
                user.is_rejected()

    with ConnectionPool(dsn, min_size=load.size, max_size=load.size, timeout=load.timeout_s, open=True) as pool:
        pool.wait()
        crowd = Crowd(load)
        running = [Thread(target=asks, args=(user,)) for user in crowd.users]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
    return crowd


Played = Callable[[str, Load], Crowd]
LIFO: Final = partial(sqlalchemy_pool, use_lifo=True)
NO_RESET: Final = partial(asyncpg_pool, reset=no_reset)
WAYS: Final[Mapping[tuple[str, str], Played]] = {
    ("SQLAlchemy", "by hand"): partial(tasks, sqlalchemy_pool, sqlalchemy_by_hand),
    ("SQLAlchemy", "context manager"): partial(tasks, sqlalchemy_pool, sqlalchemy_context),
    ("SQLAlchemy", "by hand, one turn"): partial(tasks, sqlalchemy_pool, partial(then_turns, sqlalchemy_by_hand, 1)),
    ("SQLAlchemy", "by hand, two turns"): partial(tasks, sqlalchemy_pool, partial(then_turns, sqlalchemy_by_hand, 2)),
    ("SQLAlchemy", "by hand, in a task"): partial(tasks, sqlalchemy_pool, sqlalchemy_task),
    ("SQLAlchemy", "context manager, no task"): partial(tasks, sqlalchemy_pool, sqlalchemy_aclosing),
    ("SQLAlchemy, use_lifo", "by hand"): partial(tasks, LIFO, sqlalchemy_by_hand),
    ("SQLAlchemy, use_lifo", "context manager"): partial(tasks, LIFO, sqlalchemy_context),
    ("SQLAlchemy, a statement", "by hand"): partial(
        tasks, sqlalchemy_pool, partial(with_a_statement, sqlalchemy_by_hand)
    ),
    ("SQLAlchemy, a statement", "context manager"): partial(
        tasks, sqlalchemy_pool, partial(with_a_statement, sqlalchemy_context)
    ),
    ("asyncpg", "by hand"): partial(tasks, asyncpg_pool, asyncpg_by_hand),
    ("asyncpg", "context manager"): partial(tasks, asyncpg_pool, asyncpg_context),
    ("asyncpg", "by hand, one turn"): partial(tasks, asyncpg_pool, partial(then_turns, asyncpg_by_hand, 1)),
    ("asyncpg", "by hand, no task"): partial(tasks, asyncpg_pool, asyncpg_no_task),
    ("asyncpg, no reset query", "by hand"): partial(tasks, NO_RESET, asyncpg_by_hand),
    ("asyncpg, no reset query", "context manager"): partial(tasks, NO_RESET, asyncpg_context),
    ("psycopg_pool", "by hand"): partial(threads, psycopg_by_hand),
    ("psycopg_pool", "context manager"): partial(threads, psycopg_context),
}
"""By pool and way."""
