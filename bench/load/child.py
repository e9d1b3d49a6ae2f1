"""The load generator's process: `python -m bench.load.child`.

In: jobs, a line each, on standard input. Out: events, a line each, on standard output (see `protocol`);
whatever anyone prints goes to standard error. It ends when its input ends, also in the middle of a load, and
so never outlives the bench.
"""

import json
import os
import resource
import signal
from dataclasses import asdict
from typing import NoReturn


def main() -> NoReturn:
    """Play jobs until the input ends. A bug ends the process, with its traceback on standard error."""
    # The bench sees to Ctrl-C, in its own order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.dup(1)
    os.dup2(2, 1)
    _allow_many_sockets()

    # Locust patches the standard library and takes a second: here, and not above, so that the lines before
    # hold from the beginning.
    import locust  # noqa: F401, I001
    import gevent.fileobject
    import gevent.queue

    from bench.load.play import play
    from bench.load.protocol import decode_job
    from bench.load.transport import Unreachable

    def say(event: str, **fields: object) -> None:
        os.write(answers, json.dumps({"event": event, **fields}).encode() + b"\n")

    def listen() -> None:
        for line in gevent.fileobject.FileObject(0, "rb", close=False):
            jobs.put(line)
        os._exit(0)

    jobs = gevent.queue.Queue()
    gevent.spawn(listen)
    say("ready")
    while True:
        drive, out = decode_job(jobs.get())
        try:
            result = play(drive, out, lambda t0: say("started", t0=t0))
        except Unreachable as error:
            say("failed", error=str(error))
        else:
            say("finished", **asdict(result))


def _allow_many_sockets() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 20_480 if hard == resource.RLIM_INFINITY else min(20_480, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    main()
