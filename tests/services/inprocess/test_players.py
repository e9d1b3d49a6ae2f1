"""A workload played by tasks and by threads, on a pool that answers when the test wants it to."""

import asyncio
import json
import math
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from services.common.contract import How, LeakedOnPurpose, Refused, Timing
from services.common.ledger import Ledger
from services.common.metrics import PoolStats
from services.inprocess import talk, tasks, threads
from services.workload.arrivals import planned_times
from services.workload.loads import Arrivals, Burst, Closed, Load, Open, Sequential, Share, Stage, Workload
from services.workload.samples import EVENTS, LOOKS, REQUESTS, ROW, SampleError
from services.workload.wire import Fault, PoolJob, decode, encode
from tests.services.inside import LIMIT_S, run

THREADS = 32
WARM_UP_HOLD_MS = 7
WARMED = 2 * 3
Query = Callable[[int], None]
"""What becomes of the n-th query, from 0."""


class Fake:
    """A pool of 3. A query or a leak waits until `together` are there; then `query` says what becomes of a query."""

    def __init__(self, together: int = 1, query: Query = lambda _: None) -> None:
        self.holds: list[int] = []
        self.leaks: list[How] = []
        self.most = self.inside = self.managed = 0
        self._query = query
        self.together = together
        self._barrier = threading.Barrier(together)
        self._lock = threading.Lock()

    def wait(self) -> None:
        self._barrier.wait(LIMIT_S)

    def query(self, timing: Timing, hold_ms: int) -> None:
        with self._lock:
            nth = len(self.holds)
            self.holds.append(hold_ms)
            self.inside += 1
            self.most = max(self.most, self.inside)
        try:
            # The warm-up has its own hold, and is not waited with.
            if hold_ms != WARM_UP_HOLD_MS:
                self.wait()
                self._query(nth - WARMED)
            timing.acquire_ms, timing.work_ms, timing.release_ms = 1.5, 20.25, 0.125
        finally:
            with self._lock:
                self.inside -= 1

    def query_proper(self, timing: Timing, hold_ms: int) -> None:
        self.query(timing, hold_ms)
        self.managed += 1

    def query_leak(self, timing: Timing, how: How) -> None:
        self.wait()
        self.leaks.append(how)
        if how == "exception":
            raise LeakedOnPurpose

    def release_leaks(self) -> int:
        return self.leaks.count("kept")

    def snapshot(self) -> PoolStats:
        return PoolStats(pool_min_size=3, pool_max_size=3, pool_size=3, pool_free_size=None, counted=Ledger().totals())

    def report(self) -> talk.Report:
        return {"stats": {"queries": len(self.holds)}}


class AsyncFake:
    """The same for tasks, of which each must let the others run while it waits for them."""

    def __init__(self, fake: Fake) -> None:
        self._fake = fake
        self._there = 0
        self._all_there = asyncio.Event()
        fake.wait = lambda: None  # type: ignore[method-assign] # it is waited for below

    async def wait(self) -> None:
        self._there += 1
        if self._there >= self._fake.together:
            self._all_there.set()
        async with asyncio.timeout(LIMIT_S):
            await self._all_there.wait()

    async def query(self, timing: Timing, hold_ms: int) -> None:
        if hold_ms != WARM_UP_HOLD_MS:
            await self.wait()
        self._fake.query(timing, hold_ms)

    async def query_proper(self, timing: Timing, hold_ms: int) -> None:
        await self.query(timing, hold_ms)
        self._fake.managed += 1

    async def query_leak(self, timing: Timing, how: How) -> None:
        await self.wait()
        for _ in range(100):  # a load that ends with this has ended before it
            await asyncio.sleep(0)
        self._fake.query_leak(timing, how)

    async def release_leaks(self) -> int:
        return self._fake.release_leaks()

    def snapshot(self) -> PoolStats:
        return self._fake.snapshot()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is said before the load, where somebody waits for the word to go."""
    events: list[Any] = []
    monkeypatch.setattr(talk, "say", lambda event, **fields: events.append((event, fields.get("stats"))))
    monkeypatch.setattr(talk, "wait_for_go", lambda: events.append("waited"))
    return events


@pytest.fixture(params=["tasks", "threads"])
def play(request: pytest.FixtureRequest, said: list[Any], tmp_path: Path) -> Callable[..., int]:
    """Plays a load on a fake, by tasks or by threads; returns how many requests were sent."""

    def play(fake: Fake, load: Load, **asked: Any) -> int:
        usual: dict[str, Any] = {"hold_ms": 20, "look_every_s": 0.05, "release": "explicit"}
        usual |= {"warm_up_rounds": 2, "warm_up_hold_ms": WARM_UP_HOLD_MS}
        workload = Workload(load=load, mix=(Share(path="/api/query"),), seed=1, give_up_s=60)
        job = decode(encode(PoolJob(workload=workload, out=str(tmp_path), **usual | asked)), PoolJob)
        if request.param == "threads":
            return threads.play(fake, job, fake.report, THREADS)
        sent: list[int] = []

        async def story() -> None:
            sent.append(await tasks.play(AsyncFake(fake), job, fake.report))

        run(story)
        return sent[0]

    return play


class Row(NamedTuple):
    """A request as it was written down."""

    n: int
    user: int
    path: int
    status: int
    error: SampleError
    planned_s: float
    sent_s: float
    finished_s: float
    acquire_ms: float
    work_ms: float
    release_ms: float
    app_ms: float


def rows(directory: Path) -> list[Row]:
    """In the order of sending."""
    return sorted(Row(*row) for row in ROW.iter_unpack((directory / REQUESTS).read_bytes()))


def lines(directory: Path, name: str) -> list[Any]:
    return [json.loads(line) for line in (directory / name).read_text().splitlines()]


@pytest.mark.parametrize(("release", "managed"), [("explicit", 0), ("context-manager", WARMED + 4)])
def test_connections_are_given_back_as_the_job_says(play: Callable[..., int], release: str, managed: int) -> None:
    fake = Fake()
    assert play(fake, Burst(requests=4), release=release) == 4
    assert (fake.managed, len(fake.holds)) == (managed, WARMED + 4)


def test_a_burst_is_there_as_a_whole_before_anybody_is_served(
    play: Callable[..., int], said: list[Any], tmp_path: Path
) -> None:
    fake = Fake(together=20)

    assert play(fake, Burst(requests=20)) == 20

    assert said == [("warmed", {"queries": WARMED}), "waited", ("started", None)]
    assert fake.holds == [WARM_UP_HOLD_MS] * WARMED + [20] * 20
    found = rows(tmp_path)
    assert [row.n for row in found] == list(range(20))
    assert {row.user for row in found} == set(range(20))
    assert {(row.path, row.planned_s) for row in found} == {(0, 0.0)}
    assert {(row.status, row.error) for row in found} == {(200, SampleError.none)}
    assert {(row.acquire_ms, row.work_ms, row.release_ms) for row in found} == {(1.5, 20.25, 0.125)}
    assert all(math.isnan(row.app_ms) for row in found)
    assert all(0 <= row.sent_s <= row.finished_s for row in found)


def test_one_after_another_is_never_two_at_once(play: Callable[..., int], tmp_path: Path) -> None:
    fake = Fake()

    assert play(fake, Sequential(requests=9), warm_up_rounds=0) == 9

    assert fake.most == 1
    found = rows(tmp_path)
    assert all(math.isnan(row.planned_s) for row in found)
    assert all(later.sent_s >= row.finished_s for row, later in pairwise(found))


@pytest.mark.parametrize("arrivals", ["uniform", "poisson"])
def test_an_open_load_waits_for_no_answer_and_is_never_early(
    play: Callable[..., int], tmp_path: Path, arrivals: Arrivals
) -> None:
    load = Open(rate_per_s=100, seconds=0.05, arrivals=arrivals)
    planned = planned_times(load, seed=1)

    assert play(Fake(together=len(planned)), load) == len(planned)

    found = rows(tmp_path)
    assert sorted(row.planned_s for row in found) == planned
    assert all(row.sent_s >= row.planned_s for row in found)
    assert {(row.user, row.status) for row in found} == {(0, 200)}


def test_closed_users_come_and_go_and_wait_for_their_answers(play: Callable[..., int], tmp_path: Path) -> None:
    # Users 0 and 1 come, 2 joins and is told to leave, 3 comes later.
    stages = ((2, 0.0), (3, 0.02), (2, 0.01), (3, 0.02), (3, 0.03))
    load = Closed(stages=tuple(Stage(users=users, seconds=seconds) for users, seconds in stages), think_s=0.002)

    sent = play(Fake(), load)

    found = rows(tmp_path)
    assert len(found) == sent
    by_user = [[row for row in found if row.user == user] for user in range(4)]
    assert sum(map(len, by_user)) == sent > 4
    assert all(by_user)
    for asked in by_user:
        assert all(later.sent_s >= row.finished_s for row, later in pairwise(asked))


def test_a_refusal_is_what_the_service_would_have_answered_and_a_bug_a_500(
    play: Callable[..., int], tmp_path: Path
) -> None:
    def query(nth: int) -> None:
        if nth == 1:
            raise Refused("pool_exhausted", "all 3 connections were in use", 0.5)
        if nth == 2:
            raise ValueError("nobody expected this")

    assert play(Fake(query=query), Sequential(requests=4)) == 4

    answers = [(row.status, SampleError(row.error).name) for row in rows(tmp_path)]
    assert answers == [(200, "none"), (503, "pool_exhausted"), (500, "other"), (200, "none")]


def test_faults_happen_in_order_and_the_pool_is_looked_at(play: Callable[..., int], tmp_path: Path) -> None:
    faults = (
        Fault(at_s=0.0, count=2, how="kept"),
        Fault(at_s=0.01, how="exception"),
        Fault(at_s=0.02),
        Fault(at_s=3600.0, how="dropped"),
    )
    fake = Fake()

    play(fake, Open(rate_per_s=2, seconds=1, arrivals="uniform"), faults=faults)

    assert fake.leaks == ["kept", "kept", "exception"]
    assert [(kind, text) for _, kind, text in lines(tmp_path, EVENTS)] == [
        ("leak", "kept, 1 of 2: 200"),
        ("leak", "kept, 2 of 2: 200"),
        ("leak", "exception, 1 of 1: 500"),
        ("release_leaks", "2 given back"),
    ]
    looks = lines(tmp_path, LOOKS)
    assert len(looks) >= 2
    assert [look[1:] for look in looks] == [[3, None, 0, 0, 0]] * len(looks)


def test_a_leak_under_way_when_the_load_ends_is_seen_through(play: Callable[..., int], tmp_path: Path) -> None:
    fake = Fake(together=2)

    play(fake, Burst(requests=1), faults=(Fault(at_s=0.0, how="kept"),))

    assert fake.leaks == ["kept"]
    (happened,) = lines(tmp_path, EVENTS)
    assert happened[1:] == ["leak", "kept, 1 of 1: 200"]


def test_a_warm_up_that_fails_is_no_load(play: Callable[..., int], said: list[Any], tmp_path: Path) -> None:
    class Down(Fake):
        def query(self, timing: Timing, hold_ms: int) -> None:
            raise Refused("database_unavailable", "no connection to PostgreSQL", 0.0)

    with pytest.raises(Refused):
        play(Down(), Burst(requests=2))

    assert said == []
    assert rows(tmp_path) == []
