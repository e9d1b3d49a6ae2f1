"""Faults on a time line: what is done to the service and its server, in which order, and that the server goes on
whatever happens."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import psycopg
import pytest

from bench.errors import PostgresDied
from bench.faults.outage import Backends, FaultFailed
from bench.faults.timeline import Timeline
from bench.postgres.database import Database, backends, connect
from bench.scenarios.model import Fault, Freeze, KillBackends, Leak, ReleaseLeaks
from tests.bench.check.fake_http import Handler, serving
from tests.bench.check.fake_service import FakeService
from tests.waiting import until


class Server:
    """A server that notes what is done to it."""

    def __init__(self, *, broken: bool = False) -> None:
        self.done: list[str] = []
        self.stands_still = threading.Event()
        self._broken = broken

    def freeze(self, most_s: float) -> int:
        self.done.append("freeze")
        if self._broken:
            raise PostgresDied("the keeper of PostgreSQL has died")
        self.stands_still.set()
        return 3

    def thaw(self) -> None:
        self.done.append("thaw")

    def refuse_death(self) -> None:
        """It lives."""


def reached(**changed: Any) -> Backends:
    return Backends(**{"database": None, "application_name": "x", "server": None} | changed)


@contextmanager
def played(
    reach: Backends, *faults: Fault, base_url: str = "", unit_s: float = 0.001
) -> Iterator[tuple[Timeline, list[tuple[str, str]]]]:
    """A time line that has begun, and the kind and text of what happens."""
    events: list[tuple[str, str]] = []
    timeline = Timeline(base_url, faults, unit_s, lambda _, kind, text: events.append((kind, text)), reach)
    timeline.start(monotonic())
    try:
        yield timeline, events
    finally:
        timeline.stop()


def test_a_frozen_server_goes_on_when_its_time_is_over() -> None:
    server = Server()
    with played(reached(server=server), Freeze(at=1, holds=5)) as (timeline, events):
        until(lambda: len(events) == 2)
        timeline.refuse_failure()
    assert server.done == ["freeze", "thaw"]
    assert events[0] == ("frozen", "3 processes of PostgreSQL stand still")
    assert events[1][0] == "goes_on"


def test_a_load_that_is_broken_off_leaves_no_server_frozen() -> None:
    server = Server()
    with played(reached(server=server), Freeze(at=1, holds=1e9)):
        assert server.stands_still.wait(60)
    assert server.done == ["freeze", "thaw"]


def test_nobody_is_asked_while_it_stands_still() -> None:
    server, reach = Server(), reached(server=None)
    reach = reached(server=server, asking=reach.asking)
    with played(reach, Freeze(at=1, holds=1e9)):
        assert server.stands_still.wait(60)
        assert not reach.asking.acquire(blocking=False)
    assert reach.asking.acquire(blocking=False)


@pytest.mark.parametrize(
    ("server", "why"),
    [
        (None, "this run has not started that PostgreSQL, and so does not stop it"),
        (Server(broken=True), "PostgreSQL could not be stopped: the keeper of PostgreSQL has died"),
    ],
)
def test_a_freeze_that_does_not_come_about_is_told(server: Server | None, why: str) -> None:
    with played(reached(server=server), Freeze(at=0, holds=1)) as (timeline, events):
        until(lambda: _failure(timeline))
    assert (_failure(timeline), events) == (why, [])
    assert server is None or server.done == ["freeze", "thaw"]


def test_every_backend_of_the_service_is_ended_and_nobody_else_s(database: Database) -> None:
    with (
        connect(database, "struck") as first,
        connect(database, "struck"),
        connect(database, "spared") as spared,
        played(reached(database=database, application_name="struck"), KillBackends(at=1)) as (timeline, events),
    ):
        until(lambda: events)
        timeline.refuse_failure()
        until(lambda: backends(spared, "struck").total == 0)
        with pytest.raises(psycopg.OperationalError):
            first.execute("SELECT 1")
    assert events == [("backends_ended", "2 backends ended")]


def test_a_kill_that_meets_nobody_is_told(database: Database) -> None:
    nobody = reached(database=database, application_name="nobody")
    with played(nobody, KillBackends(at=0)) as (timeline, events):
        until(lambda: _failure(timeline))
    assert (_failure(timeline), events) == ("no backend is called nobody, so that none was ended", [])

    with played(reached(), KillBackends(at=0)) as (timeline, _):
        until(lambda: _failure(timeline))
    assert _failure(timeline) == "no backend can be ended without a database: give --database-url"


def test_a_fault_reaches_a_service_that_has_closed_the_connection_meanwhile() -> None:
    async def start() -> Handler:
        return FakeService()

    faults = (Leak(at=0, count=1, how="kept"), ReleaseLeaks(at=1))
    with serving(start, hanging_up=True) as url, played(reached(), *faults, base_url=url) as (_, events):
        until(lambda: len(events) == 2)
    assert events == [("leak", "kept, 1 of 1: 200"), ("release_leaks", "1 given back")]


def _failure(timeline: Timeline) -> str:
    try:
        timeline.refuse_failure()
    except FaultFailed as failed:
        return str(failed)
    return ""
