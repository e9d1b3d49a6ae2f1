"""Locust's users, one class for each kind of load, and the play that they share.

Imported in the child process only: importing Locust patches the standard library.
"""

import math
import time
from typing import ClassVar, cast

import gevent
from gevent.event import Event
from gevent.pool import Group
from locust import User, task
from locust.env import Environment
from locust.exception import StopUser

from bench.load.answers import server_timing
from bench.load.transport import Client
from services.workload.arrivals import choose_paths, picks, planned_times
from services.workload.loads import Burst, Closed, Load, Open, Sequential
from services.workload.samples import NAN, SampleWriter
from services.workload.wire import HttpJob

WAKE_EARLY_S = 0.0008
"""A timer of the event loop may come a millisecond late; the rest of the way is waited for in short turns."""
OPEN_CONNECTIONS = 20_000
"""More than an open load has in flight: no request ever waits for a connection of the generator's."""


def sleep_until(when: float) -> None:
    """Return at `when` (time.monotonic), having let others run at least once also when that is past."""
    early = when - time.monotonic() - WAKE_EARLY_S
    if early > 0:
        gevent.sleep(early)
    while True:
        gevent.sleep(0)
        if time.monotonic() >= when:
            return


class Play:
    """One job being played: what its users share, and what is counted over all of them."""

    def __init__(self, job: HttpJob, writer: SampleWriter) -> None:
        self.base_url = job.base_url
        self.workload = job.workload
        self.go = Event()
        self.t0 = math.nan
        """Set before `go`, time.monotonic."""
        self.clients: list[Client] = []
        self.sent = 0
        self._writer = writer
        self._requests: list[bytes] = []
        self._awaited = 0
        self._settled = Event()
        self._failure: BaseException | None = None
        self._users = 0

    def enter(self, size: int) -> tuple[int, Client]:
        """A new user's number and their own client of up to `size` connections."""
        client = Client(self.base_url, size)
        if not self._requests:
            self._requests = [client.request(share.path) for share in self.workload.mix]
        self.clients.append(client)
        self._users += 1
        return self._users - 1, client

    def ask(self, client: Client, user: int, path: int, planned_s: float = NAN) -> None:
        """Send one request, wait for its end, and record it. `planned_s` in seconds from t0."""
        n = self.sent
        self.sent += 1
        sent_s = time.monotonic() - self.t0
        answer = client.exchange(self._requests[path], self.workload.give_up_s)
        finished_s = time.monotonic() - self.t0
        self._writer.add(
            n=n,
            user=user,
            path=path,
            planned_s=planned_s,
            sent_s=sent_s,
            finished_s=finished_s,
            status=answer.status,
            error=answer.kind(),
            timing=server_timing(answer.server_timing),
        )

    def ready(self) -> None:
        """Said by a user who stands waiting for `go`."""
        self._awaited -= 1
        if self._awaited <= 0:
            self._settled.set()

    def fail(self, error: BaseException) -> None:
        """Said when a user broke down: a load that is short of a user is not the load that was asked for."""
        self._failure = self._failure or error
        self._settled.set()

    def wait_ready(self, users: int) -> None:
        """Wait until so many users have said `ready`. Raises what a user failed with."""
        self._awaited += users
        if self._awaited > 0:
            self._settled.wait()
        self.raise_failure()

    def raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


class PlayUser(User):
    """One task, played once. Bound to its play by a subclass made for the job."""

    abstract = True
    play: ClassVar[Play]
    connections = 1

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.number, self.client = self.play.enter(self.connections)

    def on_start(self) -> None:
        # Who comes after the start goes to work at once: a GET /health from inside a load that has exhausted
        # the service would hold them up.
        if not self.play.go.is_set():
            self.client.warm(self.warm_connections(), self.play.workload.give_up_s)
            self.play.ready()
            self.play.go.wait()

    @task
    def once(self) -> None:
        self.act()
        raise StopUser

    def warm_connections(self) -> int:
        return 1

    def act(self) -> None:
        raise NotImplementedError


class SequentialUser(PlayUser):
    """Sends each request after the answer to the one before."""

    def act(self) -> None:
        load, workload = cast("Sequential", self.play.workload.load), self.play.workload
        for path in choose_paths(workload.mix, load.requests, workload.seed):
            self.play.ask(self.client, self.number, path)


class BurstUser(PlayUser):
    """Sends one request, at the same moment as everyone else; it was planned for t0."""

    def act(self) -> None:
        self.play.ask(self.client, self.number, self.path, planned_s=0.0)

    def on_start(self) -> None:
        load, workload = cast("Burst", self.play.workload.load), self.play.workload
        self.path = choose_paths(workload.mix, load.requests, workload.seed)[self.number]
        super().on_start()


class ClosedUser(PlayUser):
    """Sends, waits for the answer, thinks, and sends again until told to leave."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.leave = Event()

    def act(self) -> None:
        load, workload = cast("Closed", self.play.workload.load), self.play.workload
        for path in picks(workload.mix, workload.seed, self.number):
            self.play.ask(self.client, self.number, path)
            if load.think_s > 0:
                self.leave.wait(load.think_s)
            if self.leave.is_set():
                return


class OpenUser(PlayUser):
    """The one dispatcher of an open load: starts each request at its time, whatever has not come back."""

    connections = OPEN_CONNECTIONS

    def warm_connections(self) -> int:
        # What a quarter of a second sends: enough that few connections are opened during the load, and few
        # enough that an idle crowd does not weigh on the service.
        load = cast("Open", self.play.workload.load)
        return max(4, min(128, math.ceil(load.rate_per_s / 4)))

    def act(self) -> None:
        load, workload = cast("Open", self.play.workload.load), self.play.workload
        plan = planned_times(load, workload.seed)
        in_flight = Group()
        for planned_s, path in zip(plan, choose_paths(workload.mix, len(plan), workload.seed), strict=True):
            sleep_until(self.play.t0 + planned_s)
            in_flight.spawn(self.play.ask, self.client, self.number, path, planned_s)
        in_flight.join(raise_error=True)


USERS: dict[type[Load], type[PlayUser]] = {
    Sequential: SequentialUser,
    Burst: BurstUser,
    Closed: ClosedUser,
    Open: OpenUser,
}
