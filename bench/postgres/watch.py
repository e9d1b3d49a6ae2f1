"""Ends what the main thread does as soon as the embedded PostgreSQL has died, whatever it waits for."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from bench.postgres.database import cut_connections
from bench.postgres.embedded import EmbeddedPostgres

POLL_S: Final = 0.1
LEAVE_S: Final = 10.0
"""What the block has to end after that; it is longer than a service may take to stop."""


@contextmanager
def watched(server: EmbeddedPostgres) -> Iterator[None]:
    """A block of the main thread that is left with PostgresDied when the server dies, also by what fails because of it.

    The block is interrupted as by Ctrl-C. Where it does not end, the process does, with exit status 1: the processes
    that it has started end with it, as after a kill.
    """
    over = threading.Event()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if not over.is_set():
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    watcher = threading.Thread(target=_watch, args=(server, over), name="server", daemon=True)
    watcher.start()
    try:
        try:
            yield
        finally:
            over.set()
    except (KeyboardInterrupt, Exception):
        server.refuse_death()
        raise
    finally:
        watcher.join()
        signal.signal(signal.SIGUSR1, before)


def _watch(server: EmbeddedPostgres, over: threading.Event) -> None:
    while not (died := server.died()):
        if over.wait(POLL_S):
            return
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)  # it would warn that a query on it cannot be cancelled
    cut_connections()
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
    if not over.wait(LEAVE_S):
        print(f"bench: {died}", file=sys.stderr, flush=True)
        os._exit(1)
