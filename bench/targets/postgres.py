"""The PostgreSQL of services that the bench starts: a given one, or an embedded server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import UserError
from bench.postgres.database import Database, load_schema, reachable
from bench.postgres.embedded import EmbeddedPostgres
from bench.postgres.watch import watched
from bench.targets.process import SCHEMA_SQL


@contextmanager
def postgres(url: str | None, pg_bin: Path | None) -> Iterator[tuple[Database, EmbeddedPostgres | None]]:
    """The given database, or that of an embedded server, with the services' tables in it; and that server.

    Raises UserError where the given one cannot be used, and PostgresDied, out of whatever the block does, where the
    embedded one dies. For the main thread.
    """
    if url is not None:
        if pg_bin is not None:
            raise UserError(
                "--pg-bin is for the embedded PostgreSQL: leave it out, or --database-url (POOLBENCH_DATABASE_URL)"
            )
        database = Database.from_url(url)
        reachable(database)
        load_schema(database, SCHEMA_SQL)
        yield database, None
        return
    with EmbeddedPostgres(pg_bin=pg_bin) as server, watched(server):
        load_schema(server.database, SCHEMA_SQL)
        yield server.database, server
