"""Every adapter of the registry is one of the two kinds, and says of itself what the registry says of it."""

import inspect
from contextlib import nullcontext
from typing import Any

import pytest

from bench.postgres.database import Database
from services.common.settings import Config
from services.pools.adapters import AsyncAdapter, SyncAdapter, adapter_of
from services.stacks import STACKS, Stack
from tests.services.inside import run, settings

MEMBERS = (
    "shape", "ping", "open", "acquire", "release", "checkout", "execute", "end", "sizes", "close",
)  # fmt: skip


@pytest.fixture(params=STACKS.values(), ids=lambda stack: stack.name)
def stack(request: pytest.FixtureRequest) -> Stack:
    found: Stack = request.param
    return found


@pytest.fixture
def library(stack: Stack) -> Any:
    return adapter_of(stack.package)


def test_it_has_what_its_kind_is_asked_for(stack: Stack, library: Any) -> None:
    protocol = SyncAdapter if stack.threads else AsyncAdapter

    def awaited(kind: Any) -> dict[str, bool]:
        return {member: inspect.iscoroutinefunction(getattr(kind, member)) for member in MEMBERS}

    assert awaited(library) == awaited(protocol)
    for errors in (library.DATABASE_ERRORS, library.TIMEOUT_ERRORS):
        assert errors
        assert all(issubclass(error, Exception) for error in errors)


@pytest.mark.parametrize("tuning", ["equalised", "as_shipped"])
def test_its_capacity_is_its_size_and_the_overflow_that_the_registry_tells(
    stack: Stack, library: Any, database: Database, tuning: str
) -> None:
    environment = settings(database, 2, tuning=tuning)
    overflow = stack.traits.shipped_overflow if tuning == "as_shipped" else 0
    found = []

    async def by_tasks() -> None:
        pool = await library.open(environment.address(stack.name), environment.config(), nullcontext)
        found.append((pool.capacity, pool.sizes()))
        await pool.close(())

    def by_threads() -> None:
        pool = library.open(environment.address(stack.name), environment.config(), nullcontext)
        found.append((pool.capacity, pool.sizes()))
        pool.close(())

    if stack.threads:
        by_threads()
    else:
        run(by_tasks)

    assert found == [(2 + overflow, (2, 2))]


def test_a_new_size_needs_a_new_pool_and_a_new_hold_does_not(library: Any) -> None:
    config = Config()
    assert library.shape(config) != library.shape(config.changed({"pool_max_size": 7}))
    assert library.shape(config) == library.shape(config.changed({"work_time_ms": 7}))
