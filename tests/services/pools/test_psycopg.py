"""Which psycopg its adapters are content with."""

from contextlib import nullcontext
from typing import Any

import psycopg
import pytest

from bench.postgres.database import Database
from services.common.settings import SettingsError
from services.pools.adapters import SyncAdapter
from services.psycopg_django.pool import Pool as DjangoPool
from services.psycopg_fastapi.pool import Pool as AsyncPool
from services.psycopg_flask.pool import Pool
from tests.services.inside import run, settings


def refused() -> pytest.RaisesExc[SettingsError]:
    return pytest.raises(SettingsError, match="pure Python build")


@pytest.fixture(autouse=True)
def _pure_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psycopg.pq, "__impl__", "python")


@pytest.mark.parametrize("library", [Pool, DjangoPool], ids=["psycopg_flask", "psycopg_django"])
def test_the_pure_python_build_is_refused_whoever_opens_the_pool(
    library: type[SyncAdapter[Any]], database: Database
) -> None:
    environment = settings(database, 1)
    address, config = environment.address("a service"), environment.config()

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
