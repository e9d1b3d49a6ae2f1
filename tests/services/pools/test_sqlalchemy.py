"""What the registry says of SQLAlchemy's pool is what the library says."""

from contextlib import nullcontext
from typing import Any

import pytest

from bench.postgres.database import Database
from services.sqlalchemy_fastapi import pool as adapter
from services.sqlalchemy_fastapi.pool import SHIPPED_OVERFLOW, Pool
from services.stacks import SQLALCHEMY_FASTAPI
from tests.services.inside import frozen, run, settings


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
