"""Two databases on one server, with services of the same name: neither has the other's backends."""

from collections.abc import Iterator

import pytest

from bench.observe.sampler import Sampler
from bench.postgres.database import Backends, Connection, Database, backends, connect, end_backends
from bench.postgres.embedded import EmbeddedPostgres
from bench.postgres.session_state import SessionState, session_state
from bench.record.rows import Row
from tests.waiting import until


@pytest.fixture(autouse=True)
def twin(other: Database) -> Iterator[Connection]:
    """A service's connection in the other database, which keeps something."""
    with connect(other, "twin") as connection, connect(other) as watcher:
        connection.execute("SELECT pg_advisory_lock(8)")
        connection.execute("CREATE TEMPORARY TABLE mine ()")
        until(lambda: session_state(watcher, "twin") == SessionState(0, 1, 1))
        yield connection


def test_backends_and_what_they_keep_are_counted_in_their_database(server: EmbeddedPostgres, other: Database) -> None:
    with connect(server.database) as here, connect(other) as there:
        assert backends(there, "twin") == Backends(1, 0, 1, 0)
        assert backends(here, "twin") == Backends(0, 0, 0, 0)
        assert session_state(here, "twin") == SessionState(0, 0, 0)


def test_a_sample_holds_the_backends_of_its_database(server: EmbeddedPostgres) -> None:
    rows: list[Row] = []
    sampler = Sampler(
        None, "twin", server.database, rows, local_database=False, hold_s=60, generator=None, processes=list
    )
    with connect(server.database, "twin"):
        sampler.start(0.0)
        sampler.stop()

    assert {row.backends for row in rows} == {1}


def test_an_outage_spares_the_other_database(server: EmbeddedPostgres, twin: Connection) -> None:
    with connect(server.database) as here:
        assert end_backends(here, "twin") == 0
    assert twin.execute("SELECT 1").fetchone() == (1,)
