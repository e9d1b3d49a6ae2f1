"""What the registry says of SQLAlchemy's pool is what the library says."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.postgres.database import Database
from services.sqlalchemy_fastapi import pool as adapter
from services.sqlalchemy_fastapi.pool import SHIPPED_OVERFLOW, Pool
from services.stacks import SQLALCHEMY_FASTAPI
from tests.services.inside import becomes, frozen, run, settings


def test_the_registry_knows_the_overflow_that_the_library_ships() -> None:
    assert SQLALCHEMY_FASTAPI.traits.shipped_overflow == SHIPPED_OVERFLOW


def test_as_shipped_it_hands_out_what_it_says_and_not_one_more(database: Database) -> None:
    environment = settings(database, 1, tuning="as_shipped", pool_acquire_timeout=0.05)

    async def story() -> None:
        pool = await Pool.open(environment.address("sqlalchemy_fastapi"), environment.config(), nullcontext)
        try:
            held = [await pool.acquire(5) for _ in range(pool.capacity)]
            with pytest.raises(Pool.TIMEOUT_ERRORS):
                await pool.acquire(5)
            for connection in held:
                await pool.release(connection)
        finally:
            await pool.close(())

    run(story)


def test_a_connect_that_is_given_up_wakes_no_waiter_and_the_next_release_does(database: Database) -> None:
    environment = settings(database, 1).model_copy(update={"pool_min_size": 0})
    begun = asyncio.Event()

    @contextmanager
    def connecting() -> Iterator[None]:
        begun.set()
        yield

    async def story() -> None:
        pool = await Pool.open(environment.address("sqlalchemy_fastapi"), environment.config(), connecting)
        try:
            first = asyncio.create_task(pool.acquire(60))
            await begun.wait()
            waiter = asyncio.create_task(pool.acquire(60))
            queue: Any = pool._pool._pool
            await becomes(lambda: len(queue._queue._getters) == 1, "it waits")
            first.cancel()
            await asyncio.wait([first])
            newcomer = await pool.acquire(60)
            assert not waiter.done()
            await pool.release(newcomer)
            await pool.release(await waiter)
        finally:
            await pool.close(())

    run(story)
    assert SQLALCHEMY_FASTAPI.traits.forgets_waiters


def test_as_shipped_what_comes_back_at_once_wakes_as_many_waiters_as_the_pool_has_without_overflow(
    database: Database,
) -> None:
    environment = settings(database, 1, tuning="as_shipped", pool_acquire_timeout=60)

    async def story() -> None:
        pool = await Pool.open(environment.address("sqlalchemy_fastapi"), environment.config(), nullcontext)
        try:
            held = [await pool.acquire(60) for _ in range(pool.capacity)]
            waiters = [asyncio.create_task(pool.acquire(60)) for _ in range(pool.capacity)]
            queue: Any = pool._pool._pool
            await becomes(lambda: len(queue._queue._getters) == pool.capacity, "all of them wait")
            await asyncio.gather(*map(pool.release, held))
            newcomers = [await pool.acquire(60) for _ in range(SHIPPED_OVERFLOW)]
            served = [waiter for waiter in waiters if waiter.done()]
            assert len(served) == 1

            for connection in newcomers:
                await pool.release(connection)
            await pool.release(await served[0])
            for waiter in waiters:
                waiter.cancel()
            for late in await asyncio.gather(*waiters, return_exceptions=True):
                if isinstance(late, AsyncConnection):
                    await pool.release(late)
        finally:
            await pool.close(())

    run(story)


def test_a_close_that_takes_too_long_ends_and_says_so(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(adapter, "CLOSE_TIMEOUT_S", 0.05)
    environment = settings(database, 1, tuning="as_shipped")

    async def story() -> None:
        pool = await Pool.open(environment.address("sqlalchemy_fastapi"), environment.config(), nullcontext)
        with frozen() as freeze:
            kept: Any = await pool.acquire(5)
            freeze((await kept.get_raw_connection()).driver_connection.get_server_pid())
            await pool.close([kept])

    run(story)
    assert [record.getMessage() for record in caplog.records] == ["closing a pool took longer than 0.05 s"]
