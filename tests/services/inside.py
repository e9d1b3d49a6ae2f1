"""A service's pool inside the test's own process, and a backend that stops answering."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import uvloop

from bench.postgres.database import Database
from services.common.settings import Settings

LIMIT_S = 60.0
BECOMES_S = 30.0


def settings(database: Database, size: int, **more: Any) -> Settings:
    """Settings of a service with a pool of exactly `size` on the test's database."""
    return Settings(
        db_host=database.host,
        db_port=database.port,
        db_name=database.name,
        db_user=database.user,
        db_password=database.password,
        pool_min_size=size,
        pool_max_size=size,
        **more,
    )


def run(story: Callable[[], Awaitable[None]]) -> None:
    """Runs a coroutine on the event loop that the services use; one that does not end is cut off."""

    async def main() -> None:
        async with asyncio.timeout(LIMIT_S):
            await story()

    uvloop.run(main())


async def becomes(condition: Callable[[], bool], what: str) -> None:
    """Waits until it is so, while the loop goes on; fails the test after 30 s."""
    deadline = time.monotonic() + BECOMES_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true in {BECOMES_S:g} s"
        await asyncio.sleep(0)


@contextmanager
def frozen() -> Iterator[Callable[[int], None]]:
    """Calls `freeze(pid)`: the process stops answering, with its connections open, until the block is left."""
    pids: list[int] = []

    def freeze(pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        pids.append(pid)

    try:
        yield freeze
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


class Stopwatch:
    """Seconds of a block on the monotonic clock."""

    seconds = 0.0

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._began
