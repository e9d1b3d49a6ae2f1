"""What the registry says of SQLAlchemy's pool of threads is what the library says, and what its adapter adds holds."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any

import psycopg
import pytest

from bench.postgres.database import Database, backends, connect
from services.common import contract
from services.engines.queuepool import SHIPPED_OVERFLOW, Pool
from services.pools.adapters import Connecting, adapter_of
from services.stacks import STACKS
from tests.services.inside import LIMIT_S, settings
from tests.waiting import until

NAME = "queuepool"
SHARING = [stack for stack in STACKS.values() if adapter_of(stack.package) is Pool]


@contextmanager
def opened(
    database: Database, size: int = 1, least: int = 1, connecting: Connecting = nullcontext, **more: Any
) -> Iterator[Pool]:
    environment = settings(database, size, **more).model_copy(update={"pool_min_size": least})
    pool = Pool.open(environment.address(NAME), environment.config(), connecting)
    try:
        yield pool
    finally:
        pool.close(())


def waiters(pool: Pool) -> int:
    queue: Any = pool._pool._pool
    return len(queue.not_empty._waiters)


def test_the_registry_knows_the_overflow_that_the_library_ships() -> None:
    assert [stack.traits.shipped_overflow for stack in SHARING] == [SHIPPED_OVERFLOW] * 2


def test_as_shipped_it_hands_out_what_it_says_and_not_one_more(database: Database) -> None:
    with opened(database, tuning="as_shipped", pool_acquire_timeout=0.05) as pool:
        held = [pool.acquire(5) for _ in range(pool.capacity)]
        with pytest.raises(Pool.TIMEOUT_ERRORS):
            pool.acquire(5)
        for connection in held:
            pool.release(connection)


def test_a_connect_that_is_not_there_in_time_is_given_up_and_leaves_nothing() -> None:
    ends: list[type[BaseException] | None] = []

    @contextmanager
    def connecting() -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            ends.append(type(error))
            raise

    with socket.create_server(("127.0.0.1", 0)) as silent:
        nowhere = Database("127.0.0.1", silent.getsockname()[1], "labdb", "labuser", "labpassword")
        with opened(nowhere, least=0, connecting=connecting) as pool:
            began = time.monotonic()
            with pytest.raises(Pool.TIMEOUT_ERRORS) as timed_out:
                pool.acquire(0.2)
            assert time.monotonic() - began >= 0.2
            accepted, _ = silent.accept()
            with accepted:
                accepted.settimeout(LIMIT_S)
                while accepted.recv(1000):  # until its end, while its error is kept
                    pass

    assert timed_out.value
    assert [issubclass(end, Exception) for end in ends if end] == [False]  # no failure of the database


def test_a_connect_that_fails_wakes_no_waiter_and_the_next_release_does(database: Database) -> None:
    begun, fails = threading.Event(), threading.Event()

    @contextmanager
    def connecting() -> Iterator[None]:
        if not begun.is_set():
            begun.set()
            fails.wait()
            raise psycopg.OperationalError("no connection, this once")
        yield

    with opened(database, least=0, connecting=connecting) as pool, ThreadPoolExecutor(2) as threads:
        first = threads.submit(pool.acquire, 60)
        begun.wait()
        waiter = threads.submit(pool.acquire, 60)
        until(lambda: waiters(pool) == 1, "it waits")
        fails.set()
        assert isinstance(first.exception(), Pool.DATABASE_ERRORS)
        newcomer = pool.acquire(60)
        assert not waiter.done()
        pool.release(newcomer)
        pool.release(waiter.result())
    assert all(stack.traits.forgets_waiters for stack in SHARING)


def test_what_comes_back_to_a_closed_pool_is_closed(database: Database) -> None:
    with opened(database, size=2) as pool, connect(database) as connection:
        held = pool.acquire(5)
        pool.close(())
        assert backends(connection, NAME).total == 1
        pool.release(held)
        until(lambda: backends(connection, NAME).total == 0, "no backend is left")


def test_the_slot_of_a_lost_connection_is_counted_until_it_is_asked_for(database: Database) -> None:
    with opened(database) as pool, connect(database) as connection:
        lost = pool.acquire(5)
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = %s", (NAME,)
        )
        with pytest.raises(Pool.DATABASE_ERRORS):
            pool.execute(lost, "items", contract.ROWS)
        pool.release(lost)

        assert (pool.sizes(), backends(connection, NAME).total) == ((1, 1), 0)
        pool.release(pool.acquire(5))
        assert (pool.sizes(), backends(connection, NAME).total) == ((1, 1), 1)
    assert all(stack.traits.counts_slots for stack in SHARING)
