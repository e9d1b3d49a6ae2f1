"""`python -m services.asyncpg_fastapi.alone`: the pool without HTTP, for one drive, by tasks.

In: the environment, as for the service, and a drive on standard input. Out: events on standard output, samples in
files (see inprocess/drive.py). Exit status as the service's.
"""

import asyncio
import logging
import sys

import uvloop

from services.asyncpg_fastapi import work
from services.asyncpg_fastapi.pool import SERVICE, ServicePool, wait_for_database
from services.common import settings
from services.common.books import Refused
from services.common.contract import How, Timing
from services.common.metrics import Metrics, PoolStats
from services.common.settings import Settings, SettingsError
from services.common.tracing import Tracing
from services.inprocess import drive, tasks
from services.inprocess.drive import LeakedOnPurpose


class Handlers:
    """What `app.py` does between a request and its answer."""

    def __init__(self, pool: ServicePool) -> None:
        self._pool = pool

    async def query(self, timing: Timing, hold_ms: int) -> None:
        pool, config = self._pool, self._pool.config
        lease = await pool.acquire(timing, hold_ms)
        try:
            with pool.books.working(lease.wait, timing):
                await work.hold(lease, config, hold_ms)
        finally:
            await pool.release(lease)

    async def query_leak(self, timing: Timing, how: How) -> None:
        pool = self._pool
        lease = await pool.acquire(timing)
        try:
            with pool.books.working(lease.wait, timing):
                await work.read(lease)
        except Exception:  # a dead connection is no leak on purpose
            await pool.release(lease)
            raise
        pool.leak(lease, keep=how == "kept")
        if how == "exception":
            raise LeakedOnPurpose

    async def release_leaks(self) -> int:
        return await self._pool.release_leaks()

    def snapshot(self) -> PoolStats:
        return self._pool.snapshot()

    def report(self) -> drive.Report:
        config = self._pool.config
        stats = self._pool.snapshot().body(SERVICE, 1, config.work_time_ms, config.pool_acquire_timeout)
        return {"config": {"service": SERVICE, "threads": None} | config.model_dump(), "stats": stats}


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        environment = settings.from_environment()
        uvloop.run(_play(environment))
    except SettingsError as error:
        sys.exit(settings.refuse(error))
    except Refused as refused:
        sys.exit(settings.give_up(refused))


async def _play(environment: Settings) -> None:
    await wait_for_database(environment)
    pool = ServicePool(environment, Metrics(SERVICE), Tracing(SERVICE))
    await pool.open()
    try:
        handlers = Handlers(pool)
        drive.say("ready", **handlers.report())
        sent = await tasks.play(handlers, drive.receive())
        await asyncio.to_thread(drive.finish, sent, handlers.report())  # the pool lives on while it is looked at
    finally:
        await pool.close()


if __name__ == "__main__":
    main()
