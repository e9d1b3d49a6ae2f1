"""One embedded PostgreSQL for the whole session, and services as real processes."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from bench.postgres.database import Database, load_schema
from bench.postgres.embedded import embedded_postgres
from bench.targets.process import SCHEMA_SQL, LocalService
from services.stacks import STACKS

StartService = Callable[..., LocalService]

settings.register_profile("unhurried", deadline=None)  # how long an example takes is the machine's affair
settings.load_profile("unhurried")


QUICK = ("bench/analysis", "bench/record", "bench/report", "bench/scenarios", "grafana", "services/common")
"""Folders whose tests start no process."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the files that take longest and ends with the quick ones, so that all workers end together."""
    quick = tuple(Path(__file__).parent / folder for folder in QUICK)

    def turn(item: pytest.Item) -> tuple[bool, bool]:
        return item.get_closest_marker("long") is None, any(item.path.is_relative_to(folder) for folder in quick)

    items.sort(key=turn)


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    with embedded_postgres() as database:
        load_schema(database, SCHEMA_SQL)
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
