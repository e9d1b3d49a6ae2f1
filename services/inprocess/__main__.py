"""`python -m services.inprocess PACKAGE NAME`: the pool of a stack without HTTP, for one job, by tasks or threads."""

import asyncio
import inspect
import sys
from functools import partial
from typing import Any

from services.common import settings
from services.common.metrics import Metrics
from services.common.settings import Settings
from services.common.start import starting
from services.common.tracing import Tracing
from services.handlers.answers import Answers
from services.handlers.asynchronous import AsyncHandlers
from services.handlers.synchronous import SyncHandlers
from services.inprocess import talk, tasks, threads
from services.pools import asynchronous, synchronous
from services.pools.adapters import adapter_of
from services.pools.asynchronous import AsyncPool
from services.pools.synchronous import SyncPool


def main(package: str, service: str) -> None:
    """Plays the job on standard input (see `talk`). Exit status as the service's."""
    with starting():
        library = adapter_of(package)
        environment = settings.from_environment()
        if inspect.iscoroutinefunction(library.acquire):
            import uvloop

            uvloop.run(_by_tasks(service, library, environment))
        else:
            _by_threads(service, library, environment)


async def _by_tasks(service: str, library: Any, environment: Settings) -> None:
    await asynchronous.wait_for_database(service, library, environment)
    tracing = Tracing(service)
    pool = AsyncPool[Any](service, library, environment, Metrics(service), tracing)
    await pool.open()
    try:
        report = partial(_report, Answers(service, environment, pool, tracing, threads=None))
        talk.say("ready", **report())
        sent = await tasks.play(AsyncHandlers(pool), talk.receive(), report)
        await asyncio.to_thread(talk.finish, sent, report())  # the pool lives on while it is looked at
    finally:
        await pool.close()


def _by_threads(service: str, library: Any, environment: Settings) -> None:
    synchronous.wait_for_database(service, library, environment)
    tracing = Tracing(service)
    pool = SyncPool[Any](service, library, environment, Metrics(service), tracing)
    pool.open()
    try:
        report = partial(_report, Answers(service, environment, pool, tracing, threads=environment.threads))
        talk.say("ready", **report())
        sent = threads.play(SyncHandlers(pool), talk.receive(), report, environment.threads)
        talk.finish(sent, report())
    finally:
        pool.close()


def _report(answers: Answers) -> talk.Report:
    """What is in force, and what is counted."""
    return {"config": answers.config(), "stats": answers.stats()}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
