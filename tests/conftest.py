"""One embedded PostgreSQL for the whole session, and services as real processes."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest

from bench.postgres.database import Database, load_schema
from bench.postgres.embedded import embedded_postgres
from bench.targets.process import SCHEMA, LocalService
from services.stacks import STACKS

StartService = Callable[..., LocalService]


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    with embedded_postgres() as database:
        load_schema(database, SCHEMA)
        yield database


@pytest.fixture(params=tuple(STACKS))
def name(request: pytest.FixtureRequest) -> str:
    """Each service in turn."""
    service: str = request.param
    return service


@pytest.fixture
def start(name: str, database: Database) -> Iterator[StartService]:
    """Starts the service of this test with settings; it is stopped at the end."""
    with ExitStack() as stack:

        def start(**settings: Any) -> LocalService:
            context: AbstractContextManager[LocalService] = LocalService(name, database, settings)
            return stack.enter_context(context)

        yield start
