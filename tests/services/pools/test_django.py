"""What is Django's own about its pool: whose connection is given back when a request ends, and what is left of one."""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from django.db import OperationalError, close_old_connections, connections
from django.db.backends.postgresql.base import DatabaseWrapper

from bench.postgres.database import Database
from bench.targets.process import free_port
from services.common import contract
from services.psycopg_django.pool import Pool
from services.stacks import PSYCOPG_DJANGO, leaks_beside
from tests.services.inside import settings

SIZE = 2


@pytest.fixture
def pool(database: Database) -> Iterator[Pool]:
    environment = settings(database, SIZE)
    pool = Pool.open(environment.address(PSYCOPG_DJANGO.name), environment.config(), nullcontext)
    yield pool
    pool.close(())


def test_a_view_cannot_forget_its_own_connection_and_can_forget_another(pool: Pool) -> None:
    """What the trait says; Django calls `close_old_connections` when a request ends."""
    forgotten = pool.acquire(1.0)
    with pool.checkout(1.0) as own:
        alias = own.alias
    connections[alias].ensure_connection()
    assert pool.sizes() == (SIZE, 0)

    close_old_connections()

    assert pool.sizes() == (SIZE, 1)
    pool.release(forgotten)
    assert pool.sizes() == (SIZE, SIZE)
    assert leaks_beside(PSYCOPG_DJANGO.name)


def test_a_timeout_is_told_from_a_statement_that_fails(pool: Pool) -> None:
    held = [pool.acquire(1.0) for _ in range(SIZE)]

    with pytest.raises(Pool.TIMEOUT_ERRORS):
        pool.acquire(0.01)
    held[0].connection.close()
    with pytest.raises(OperationalError) as lost:
        pool.execute(held[0], "items", contract.ROWS)

    assert not isinstance(lost.value, Pool.TIMEOUT_ERRORS)
    for connection in held:
        pool.release(connection)


def test_nothing_of_a_closed_pool_is_left_in_django(database: Database) -> None:
    known = dict(connections.settings), dict(DatabaseWrapper._connection_pools)
    environment = settings(database, SIZE)

    pool = Pool.open(environment.address(PSYCOPG_DJANGO.name), environment.config(), nullcontext)
    assert len(connections.settings) == len(known[0]) + 1
    pool.close((pool.acquire(1.0),))

    assert (connections.settings, DatabaseWrapper._connection_pools) == known


def test_a_pool_that_cannot_be_made_leaves_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(connections.settings), dict(DatabaseWrapper._connection_pools)
    monkeypatch.setattr("services.psycopg_django.pool.OPEN_TIMEOUT_S", 0.05)
    environment = settings(Database(database.host, free_port(), database.name, database.user, database.password), SIZE)

    with pytest.raises(Pool.DATABASE_ERRORS):
        Pool.open(environment.address(PSYCOPG_DJANGO.name), environment.config(), nullcontext)

    assert (connections.settings, DatabaseWrapper._connection_pools) == known
