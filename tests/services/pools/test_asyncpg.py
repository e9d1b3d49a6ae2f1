"""What the adapter over asyncpg reads of the library's own."""

from contextlib import nullcontext

from bench.postgres.database import Database
from services.asyncpg_fastapi.pool import Pool
from tests.services.inside import run, settings


def test_its_sizes_are_those_that_asyncpg_tells(database: Database) -> None:
    environment = settings(database, 3)

    async def story() -> None:
        pool = await Pool.open(environment.address("asyncpg_fastapi"), environment.config(), nullcontext)

        def told() -> tuple[int, int]:
            return pool._pool.get_size(), pool._pool.get_idle_size()

        try:
            assert pool.sizes() == told() == (3, 3)
            lost, held = await pool.acquire(5), await pool.acquire(5)
            assert pool.sizes() == told() == (3, 1)
            await lost.close()
            assert pool.sizes() == told() == (2, 1)
            await pool.release(held)
            assert pool.sizes() == told() == (2, 2)
        finally:
            await pool.close(())

    run(story)
