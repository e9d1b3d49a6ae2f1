"""`python -m services.psycopg_flask.alone`: the pool without HTTP, for one drive, by threads.

In: the environment, as for the service, and a drive on standard input. Out: events on standard output, samples in
files (see inprocess/drive.py). Exit status as the service's.
"""

import logging
import sys

from services.common import settings
from services.common.books import Refused
from services.common.contract import How, Timing
from services.common.metrics import Metrics, PoolStats
from services.common.settings import Settings, SettingsError
from services.common.tracing import Tracing
from services.inprocess import drive, threads
from services.inprocess.drive import LeakedOnPurpose
from services.psycopg_flask import work
from services.psycopg_flask.pool import SERVICE, ServicePool, require_c_build, wait_for_database


class Handlers:
    """What `app.py` does between a request and its answer."""

    def __init__(self, pool: ServicePool, threads: int) -> None:
        self._pool = pool
        self._threads = threads

    def query(self, timing: Timing, hold_ms: int) -> None:
        pool, config = self._pool, self._pool.config
        lease = pool.acquire(timing, hold_ms)
        try:
            with pool.books.working(lease.wait, timing):
                work.hold(lease, config, hold_ms)
        finally:
            pool.release(lease)

    def query_leak(self, timing: Timing, how: How) -> None:
        pool = self._pool
        lease = pool.acquire(timing)
        try:
            with pool.books.working(lease.wait, timing):
                work.read(lease)
        except Exception:  # a dead connection is no leak on purpose
            pool.release(lease)
            raise
        pool.leak(lease, keep=how == "kept")
        if how == "exception":
            raise LeakedOnPurpose

    def release_leaks(self) -> int:
        return self._pool.release_leaks()

    def snapshot(self) -> PoolStats:
        return self._pool.snapshot()

    def report(self) -> drive.Report:
        config = self._pool.config
        stats = self._pool.snapshot().body(SERVICE, 1, config.work_time_ms, config.pool_acquire_timeout)
        return {"config": {"service": SERVICE, "threads": self._threads} | config.model_dump(), "stats": stats}


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("psycopg.pool").setLevel(logging.WARNING)  # it tells of every acquire
    try:
        environment = settings.from_environment()
        require_c_build()
        _play(environment)
    except SettingsError as error:
        sys.exit(settings.refuse(error))
    except Refused as refused:
        sys.exit(settings.give_up(refused))


def _play(environment: Settings) -> None:
    wait_for_database(environment)
    pool = ServicePool(environment, Metrics(SERVICE), Tracing(SERVICE))
    pool.open()
    try:
        handlers = Handlers(pool, environment.threads)
        drive.say("ready", **handlers.report())
        sent = threads.play(handlers, drive.receive(), environment.threads)
        drive.finish(sent, handlers.report())
    finally:
        pool.close()


if __name__ == "__main__":
    main()
