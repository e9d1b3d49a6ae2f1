"""One embedded PostgreSQL for the tests that only ask it something."""

from collections.abc import Iterator

import pytest

from bench.postgres.embedded import EmbeddedPostgres


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(max_connections=37) as running:
        yield running
