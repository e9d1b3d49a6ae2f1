"""The pool on an event loop over each of its adapters: releases, cancels and old pools, where HTTP cannot show them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import ModuleType
from typing import Any

import psycopg
import pytest

from bench.postgres.database import Database, backends, connect
from services.common.contract import Refused, Timing
from services.common.metrics import Metrics
from services.common.tracing import Tracing
from services.pools.adapters import TIMER_SLACK_S
from services.pools.asynchronous import AsyncPool
from services.stacks import STACKS
from tests.services.inside import Stopwatch, becomes, frozen, run, settings

Opened = Callable[..., AbstractAsyncContextManager[AsyncPool[Any]]]
Asking = Callable[[AsyncPool[Any], float], Coroutine[Any, Any, None]]


pytestmark = pytest.mark.parametrize("name", [name for name, stack in STACKS.items() if not stack.threads])


@pytest.fixture
def opened(name: str, module: ModuleType, database: Database) -> Opened:
    @asynccontextmanager
    async def opened(size: int = 1, **more: Any) -> AsyncIterator[AsyncPool[Any]]:
        pool = AsyncPool[Any](name, module.Pool, settings(database, size, **more), Metrics(name), Tracing(name))
        await pool.open()
        try:
            yield pool
        finally:
            await pool.close()

    return opened


@pytest.fixture
def shipped_capacity(name: str) -> int:
    """What a pool of 1 hands out as shipped."""
    return 1 + STACKS[name].traits.shipped_overflow


async def backend_of(pool: AsyncPool[Any], lease: Any) -> int:
    """The process that serves the connection, which has read the rows of a request by now."""
    await pool.read(lease)
    driver = lease.connection
    if isinstance(driver, psycopg.AsyncConnection):
        return driver.info.backend_pid
    if hasattr(driver, "get_raw_connection"):
        driver = (await driver.get_raw_connection()).driver_connection
    pid: int = driver.get_server_pid()
    return pid


async def request(pool: AsyncPool[Any], hold_s: float) -> None:
    lease = await pool.acquire(Timing(), int(hold_s * 1000))
    try:
        await asyncio.sleep(hold_s)
    finally:
        await pool.release(lease)


async def proper_request(pool: AsyncPool[Any], hold_s: float) -> None:
    async with pool.checkout(Timing(), int(hold_s * 1000)):
        await asyncio.sleep(hold_s)


async def every_connection(pool: AsyncPool[Any], capacity: int) -> None:
    """All of them can be taken and used at once: none was lost."""
    async with asyncio.timeout(30):
        await pool.reconfigure({"pool_acquire_timeout": 20.0})
        leases = await asyncio.gather(*(pool.acquire(Timing()) for _ in range(capacity)))
        assert len({await backend_of(pool, lease) for lease in leases}) == capacity
        for lease in leases:
            await pool.release(lease)
    assert pool.books.totals().pool_used_size == 0


@pytest.mark.parametrize(("acquire_s", "release_s"), [(0.05, 0.2), (60, 0.1)])
def test_a_release_has_a_timeout_of_its_own(
    opened: Opened,
    module: ModuleType,
    shipped_capacity: int,
    monkeypatch: pytest.MonkeyPatch,
    acquire_s: float,
    release_s: float,
) -> None:
    monkeypatch.setattr(module, "RELEASE_TIMEOUT_S", release_s)

    async def story() -> None:
        async with opened(tuning="as_shipped", pool_acquire_timeout=acquire_s) as pool:
            with frozen() as freeze:
                lease = await pool.acquire(timing := Timing())
                freeze(await backend_of(pool, lease))
                async with asyncio.timeout(30):
                    with Stopwatch() as watch:
                        await pool.release(lease)

                assert watch.seconds >= release_s - TIMER_SLACK_S
                assert timing.release_ms >= (release_s - TIMER_SLACK_S) * 1000
                assert pool.books.totals().released_total == 1
            await every_connection(pool, shipped_capacity)

    run(story)


def test_the_context_manager_s_release_has_a_timeout_of_its_own(
    opened: Opened, module: ModuleType, shipped_capacity: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RELEASE_TIMEOUT_S", 0.2)

    async def story() -> None:
        async with opened(tuning="as_shipped", pool_acquire_timeout=0.05) as pool:
            with frozen() as freeze:

                async def held() -> float:
                    async with pool.checkout(timing := Timing()) as lease:
                        freeze(await backend_of(pool, lease))
                    return timing.release_ms

                handler = asyncio.create_task(held())
                ended, _ = await asyncio.wait([handler], timeout=15)
            release_ms = await handler  # the backend answers again

            assert ended
            assert release_ms >= (0.2 - TIMER_SLACK_S) * 1000
            await every_connection(pool, shipped_capacity)

    run(story)


def test_waiters_of_an_old_pool_keep_the_acquire_timeout_that_they_came_with(opened: Opened) -> None:
    async def story() -> None:
        async with opened(pool_acquire_timeout=30) as pool:
            requests = [asyncio.create_task(request(pool, 0.05)) for _ in range(8)]
            await becomes(lambda: pool.books.totals().waiting_requests == 7, "seven waiters")
            await pool.reconfigure({"pool_max_size": 2, "pool_acquire_timeout": 0.01})
            results = await asyncio.gather(*requests, return_exceptions=True)
            await becomes(lambda: not pool.snapshot().draining, "the old pool is gone")

            assert [result for result in results if result is not None] == []
            totals = pool.books.totals()
            assert totals.acquired_total == totals.released_total == 8
            assert totals.pool_used_size == 0

    run(story)


@pytest.mark.parametrize("asking", [request, proper_request])
def test_a_cancelled_request_loses_no_connection_and_is_counted(opened: Opened, asking: Asking) -> None:
    async def story() -> None:
        async with opened(size=3, pool_acquire_timeout=30) as pool:
            for turn in range(60):
                requests = [asyncio.create_task(asking(pool, 0.001 * (index % 4))) for index in range(9)]
                for _ in range(1 + turn % 12):
                    await asyncio.sleep(0)
                for one in requests:
                    one.cancel()
                await asyncio.gather(*requests, return_exceptions=True)

            async with asyncio.timeout(30):
                leases = await asyncio.gather(*(pool.acquire(Timing()) for _ in range(3)))
                for lease in leases:
                    assert await pool.read(lease) == 20
                    await pool.release(lease)
            totals = pool.books.totals()
            assert (totals.pool_used_size, totals.waiting_requests) == (0, 0)
            assert totals.acquired_total == totals.released_total
            assert totals.acquired_total + totals.failed_total == 60 * 9 + 3

    run(story)


def test_a_handler_that_fails_gives_back_what_the_context_manager_lent(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as pool:
            with pytest.raises(ZeroDivisionError):
                async with pool.checkout(Timing()):
                    raise ZeroDivisionError
            async with pool.checkout(Timing()) as lease:
                assert await pool.hold(lease, 0) == 20

            totals = pool.books.totals()
            assert (totals.acquired_total, totals.released_total, totals.pool_used_size) == (2, 2, 0)

    run(story)


def test_as_shipped_too_a_late_request_is_rejected_and_never_early(opened: Opened, shipped_capacity: int) -> None:
    async def story() -> None:
        async with opened(tuning="as_shipped", pool_acquire_timeout=0.02) as pool:
            holders = [await pool.acquire(Timing()) for _ in range(shipped_capacity)]
            reasons, waits = Counter[str](), []
            for _ in range(40):
                with pytest.raises(Refused) as refused:
                    await pool.acquire(timing := Timing())
                reasons[refused.value.reason] += 1
                waits.append(refused.value.waited_s)
                assert timing.acquire_ms == refused.value.waited_s * 1000
            for holder in holders:
                await pool.release(holder)

            assert min(waits) >= 0.02
            assert reasons == {"pool_exhausted": 40}
            assert pool.books.totals().timed_out_total == 40

    run(story)


def test_a_database_without_room_is_no_pool_and_changes_nothing(
    opened: Opened, name: str, module: ModuleType, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with opened(size=3) as pool:
            if STACKS[name].traits.connects_in_background:  # it says so by not being ready in time
                monkeypatch.setattr(module, "OPEN_TIMEOUT_S", 0.5)
            before = pool.config, pool.snapshot()
            with connect(database) as connection:
                try:
                    connection.execute(f"ALTER DATABASE {database.name} CONNECTION LIMIT 10")
                    with pytest.raises(Refused) as refused:
                        await pool.reconfigure({"pool_max_size": 20, "work_time_ms": 70})
                finally:
                    connection.execute(f"ALTER DATABASE {database.name} CONNECTION LIMIT -1")

                assert refused.value.reason == "database_unavailable"
                assert pool.config == before[0]
                await becomes(lambda: pool.snapshot() == before[1], "no connect under way")
                await becomes(lambda: backends(connection, name).total == 3, "no backend of the pool that was not made")

    run(story)
