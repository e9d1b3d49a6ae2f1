"""Which psycopg its adapter is content with."""

from contextlib import nullcontext

import psycopg
import pytest

from bench.postgres.database import Database
from services.common.settings import SettingsError
from services.psycopg_flask.pool import Pool
from tests.services.inside import settings


def test_the_pure_python_build_is_refused_whoever_opens_the_pool(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = settings(database, 1)
    address, config = environment.address("psycopg_flask"), environment.config()
    monkeypatch.setattr(psycopg.pq, "__impl__", "python")

    with pytest.raises(SettingsError, match="pure Python build"):
        Pool.ping(address)
    with pytest.raises(SettingsError, match="pure Python build"):
        Pool.open(address, config, nullcontext)
