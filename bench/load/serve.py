"""Plays one job after another: what the load generator's process does for as long as it lives.

Jobs come on standard input, a line each; events go to a descriptor (see `services.workload.wire`).
"""

import os
from dataclasses import asdict
from typing import NoReturn

import gevent
import gevent.fileobject
import gevent.queue
import locust  # noqa: F401 - patches the standard library, which must come before the imports below

from bench.load.play import play
from bench.load.transport import Unreachable
from services.workload.wire import HttpJob, decode, event


def serve(answers: int) -> NoReturn:
    """Play jobs until the input ends; then end the process, also in the middle of a load."""
    jobs = gevent.queue.Queue()

    def say(name: str, **fields: object) -> None:
        os.write(answers, event(name, **fields))

    def listen() -> None:
        for line in gevent.fileobject.FileObject(0, "rb", close=False):
            jobs.put(line)
        os._exit(0)

    gevent.spawn(listen)
    say("ready")
    while True:
        job = decode(jobs.get(), HttpJob)
        try:
            result = play(job, lambda t0: say("started", t0=t0))
        except Unreachable as error:
            say("failed", error=str(error))
        else:
            say("finished", **asdict(result))
