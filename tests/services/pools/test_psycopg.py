"""Which psycopg its adapters are content with."""

from contextlib import nullcontext

import psycopg
import pytest

from bench.postgres.database import Database
from services.common.settings import SettingsError
from services.pools.adapters import adapter_of
from services.psycopg_fastapi.pool import Pool as AsyncPool
from services.stacks import STACKS, Stack
from tests.services.inside import run, settings


def refused() -> pytest.RaisesExc[SettingsError]:
    return pytest.raises(SettingsError, match="pure Python build")


@pytest.fixture(autouse=True)
def _pure_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psycopg.pq, "__impl__", "python")


@pytest.mark.parametrize("stack", [each for each in STACKS.values() if each.driver == "psycopg" and each.threads])
def test_the_pure_python_build_is_refused_whoever_opens_the_pool(stack: Stack, database: Database) -> None:
    library, environment = adapter_of(stack.package), settings(database, 1)
    address, config = environment.address(stack.name), environment.config()

    with refused():
        library.ping(address)
    with refused():
        library.open(address, config, nullcontext)


def test_it_is_refused_on_an_event_loop_too(database: Database) -> None:
    environment = settings(database, 1)
    address, config = environment.address("psycopg_fastapi"), environment.config()

    async def story() -> None:
        with refused():
            await AsyncPool.ping(address)
        with refused():
            await AsyncPool.open(address, config, nullcontext)

    run(story)
