"""One embedded PostgreSQL for the tests that only ask it something, and a second database in it."""

from collections.abc import Iterator

import pytest

from bench.postgres.database import Database, connect
from bench.postgres.embedded import EmbeddedPostgres


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(max_connections=37) as running:
        yield running


@pytest.fixture
def other(server: EmbeddedPostgres) -> Iterator[Database]:
    """A second, empty database of labuser."""
    database = Database(server.admin.host, server.admin.port, "other", server.database.user, server.database.password)
    with connect(server.admin) as admin:
        admin.execute("CREATE DATABASE other OWNER labuser")
        yield database
        admin.execute("DROP DATABASE other WITH (FORCE)")
