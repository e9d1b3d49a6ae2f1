"""The pool that threads share over each of its adapters: timeouts, old pools and leaks, where HTTP cannot show them."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType
from typing import Any

import pytest

from bench.postgres.database import Database, backends, connect
from services.common import contract
from services.common.contract import Refused, Timing
from services.common.metrics import Metrics
from services.common.tracing import Tracing
from services.pools.synchronous import SyncPool
from services.stacks import STACKS
from tests.services.inside import settings
from tests.waiting import until

Opened = Callable[..., AbstractContextManager[SyncPool[Any]]]


@pytest.fixture(params=[name for name, stack in STACKS.items() if stack.threads])
def name(request: pytest.FixtureRequest) -> str:
    """Each of the stacks whose pool threads share."""
    stack: str = request.param
    return stack


@pytest.fixture
def opened(name: str, module: ModuleType, database: Database) -> Opened:
    @contextmanager
    def opened(size: int = 1, **more: Any) -> Iterator[SyncPool[Any]]:
        pool = SyncPool[Any](name, module.Pool, settings(database, size, **more), Metrics(name), Tracing(name))
        pool.open()
        try:
            yield pool
        finally:
            pool.close()

    return opened


def sql(lease: Any) -> Callable[[str], Any]:
    """What runs a statement as it stands."""
    connection = lease.connection
    run: Callable[[str], Any] = getattr(connection, "exec_driver_sql", connection.execute)
    return run


def request(pool: SyncPool[Any], hold_s: float) -> None:
    lease = pool.acquire(Timing(), int(hold_s * 1000))
    try:
        time.sleep(hold_s)
    finally:
        pool.release(lease)


def test_a_late_request_is_rejected_and_never_early(opened: Opened) -> None:
    with opened(pool_acquire_timeout=0.02) as pool:
        holder = pool.acquire(Timing())
        for _ in range(40):
            with pytest.raises(Refused) as refused:
                pool.acquire(timing := Timing())
            assert refused.value.reason == "pool_exhausted"
            assert refused.value.waited_s >= 0.02
            assert timing.acquire_ms == refused.value.waited_s * 1000
        pool.release(holder)

        assert pool.books.totals().timed_out_total == 40


def test_waiters_of_an_old_pool_keep_the_acquire_timeout_that_they_came_with(opened: Opened) -> None:
    with opened(pool_acquire_timeout=30) as pool, ThreadPoolExecutor(7) as threads:
        holder = pool.acquire(Timing())
        requests = [threads.submit(request, pool, 0.05) for _ in range(7)]
        until(lambda: pool.books.totals().waiting_requests == 7, "seven waiters")
        pool.reconfigure({"pool_acquire_timeout": 0.01})
        pool.reconfigure({"pool_max_size": 2})
        pool.release(holder)
        errors = [error for one in requests if (error := one.exception())]
        until(lambda: not pool.snapshot().draining, "the old pool is gone")

        assert errors == []
        totals = pool.books.totals()
        assert totals.acquired_total == totals.released_total == 8
        assert totals.pool_used_size == 0


def test_a_size_that_the_database_has_no_room_for_changes_nothing(
    opened: Opened, name: str, module: ModuleType, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OPEN_TIMEOUT_S", 0.5)
    with opened(size=3) as pool, connect(database) as connection:
        before = pool.config, pool.snapshot()
        try:
            connection.execute(f"ALTER DATABASE {database.name} CONNECTION LIMIT 10")
            with pytest.raises(Refused) as refused:
                pool.reconfigure({"pool_max_size": 20, "work_time_ms": 70})
        finally:
            connection.execute(f"ALTER DATABASE {database.name} CONNECTION LIMIT -1")

        assert refused.value.reason == "database_unavailable"
        assert pool.config == before[0]
        assert until(lambda: pool.snapshot() == before[1], "no connect under way")
        until(lambda: backends(connection, name).total == 3, "no backend of the pool that was not made")
        leases = [pool.acquire(Timing()) for _ in range(3)]
        assert [pool.read(lease) for lease in leases] == [contract.ROWS] * 3
        for lease in leases:
            pool.release(lease)


@pytest.fixture
def _impatient_threads() -> Iterator[None]:
    """Threads that take turns every few instructions."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_impatient_threads")
def test_leaks_that_come_while_others_are_given_back_are_not_forgotten(opened: Opened) -> None:
    with opened(size=4, pool_acquire_timeout=30) as pool, ThreadPoolExecutor(4) as threads:
        done = threading.Event()

        def give_back() -> int:
            count = 0
            while not done.is_set():
                count += pool.release_leaks()
            return count

        def leak() -> None:
            for _ in range(150):
                pool.leak(pool.acquire(Timing()), keep=True)

        giver = threads.submit(give_back)
        leakers = [threads.submit(leak) for _ in range(3)]
        errors = [error for one in leakers if (error := one.exception())]
        done.set()

        assert errors == []
        assert giver.result() + pool.release_leaks() == 450
        totals = pool.books.totals()
        assert (totals.leaked_total, totals.released_total, totals.pool_used_size) == (450, 450, 0)


@pytest.mark.parametrize(
    "name", [name for name, stack in STACKS.items() if stack.threads and stack.traits.opens_transaction]
)
def test_a_handler_that_fails_rolls_back_what_the_context_manager_lent(opened: Opened) -> None:
    class Failed(Exception):
        pass

    with opened(tuning="as_shipped") as pool:

        def fail() -> None:
            with pool.checkout(Timing()) as lease:
                sql(lease)("INSERT INTO locks VALUES (4711)")
                raise Failed

        with pytest.raises(Failed):
            fail()
        with pool.checkout(Timing()) as lease:
            assert sql(lease)("SELECT id FROM locks WHERE id = 4711").fetchall() == []

        assert pool.books.totals().released_total == 2
