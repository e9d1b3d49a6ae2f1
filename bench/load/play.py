"""Plays one job with Locust: users in, all ready, go, everyone home. In the child process only."""

import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from locust.env import Environment
from locust.runners import LocalRunner

from bench.load.transport import Unreachable
from bench.load.users import USERS, ClosedUser, Play, sleep_until
from services.workload.arrivals import crowd_steps, users_at
from services.workload.loads import Burst, Closed, Load
from services.workload.samples import REQUESTS, SampleWriter
from services.workload.wire import LEAD_S, HttpJob, Result


def play(job: HttpJob, started: Callable[[float], None]) -> Result:
    """Play the load to its last answer. `started` is told t0, up to `LEAD_S` before it comes.

    Raises Unreachable if the service does not answer before the load; nothing was sent then.
    """
    writer = SampleWriter(Path(job.out) / REQUESTS)
    shared = Play(job, writer)
    user_class = type("User", (USERS[type(job.workload.load)],), {"play": shared})
    environment = Environment(user_classes=[user_class], catch_exceptions=False)
    # Locust would log a broken user and go on without them.
    environment.events.user_error.add_listener(lambda exception, **_: shared.fail(exception))  # type: ignore[no-untyped-call]
    runner = environment.create_local_runner()
    try:
        return _conduct(shared, runner, started)
    finally:
        runner.quit()
        writer.close()
        for client in shared.clients:
            client.close()


def _conduct(shared: Play, runner: LocalRunner, started: Callable[[float], None]) -> Result:
    load = shared.workload.load
    first_users = runner.spawn_users({"User": _first_users(load)})
    shared.wait_ready(len(first_users))
    _reopen_closed(shared)
    # What is alive now stays alive: the collector need not look at it again while times are taken.
    gc.collect()
    gc.freeze()
    try:
        cpu_before = time.process_time()
        shared.t0 = time.monotonic() + LEAD_S
        started(shared.t0)
        sleep_until(shared.t0)
        shared.go.set()
        if isinstance(load, Closed):
            _ramp(runner, first_users, load, shared.t0)
        runner.user_greenlets.join()
        cpu_s = time.process_time() - cpu_before
    finally:
        gc.unfreeze()
    shared.raise_failure()
    return Result(t0=shared.t0, sent=shared.sent, cpu_s=cpu_s)


def _first_users(load: Load) -> int:
    if isinstance(load, Burst):
        return load.requests
    return users_at(load.stages, 0.0) if isinstance(load, Closed) else 1


def _reopen_closed(shared: Play) -> None:
    """Have every connection alive at the same time, asking until a whole round found none closed: while the
    last ones warmed up, the service may have closed the first."""
    before = -1
    while before != (before := sum(client.opened for client in shared.clients)):
        for client in shared.clients:
            try:
                client.ensure_open()
            except OSError as error:
                raise Unreachable(f"{shared.base_url} cannot be connected to: {error}") from error


def _ramp(runner: LocalRunner, users: list[Any], load: Closed, t0: float) -> None:
    """Let users come and go by the stages. The last to come goes first, once they have their answer."""
    present: list[ClosedUser] = list(users)
    for when, count in crowd_steps(load)[1:]:
        sleep_until(t0 + when)
        if count > len(present):
            present += runner.spawn_users({"User": count - len(present)})
        while count < len(present):
            present.pop().leave.set()
