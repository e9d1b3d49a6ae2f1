"""Session state that a service's idle connections carry into their next checkout, as another session sees it.

Another session cannot see all: `SET`, `LISTEN`, prepared statements and cursors show in none of PostgreSQL's views.
"""

from dataclasses import dataclass
from typing import Final

from bench.postgres.database import Connection

TELLS_OWNERS: Final = 160000
"""Since PostgreSQL 16 the number in `pg_temp_3` is one by which the statistics name a backend."""

_STATE: Final = """
SELECT count(*) FILTER (WHERE state LIKE 'idle in transaction%%'),
       count(*) FILTER (WHERE state = 'idle' AND pid IN (
           SELECT pid FROM pg_locks WHERE granted AND locktype = 'advisory')),
       count(*) FILTER (WHERE state LIKE 'idle%%' AND pid IN (
           SELECT pg_stat_get_backend_pid(id)
           FROM pg_stat_get_backend_idset() AS id
           JOIN pg_namespace ON nspname = 'pg_temp_' || id
           JOIN pg_class ON relnamespace = pg_namespace.oid AND relpersistence = 't'))
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND datname = current_database() AND application_name = %s
"""


@dataclass(frozen=True)
class SessionState:
    """How many idle connections carry some; one that carries several kinds counts for each."""

    idle_in_transaction: int
    """With a transaction that is not ended, one that has failed included."""
    locking: int
    """In no transaction, with advisory locks."""
    temporary: int | None
    """With temporary tables; None where the server does not tell whose they are."""


def session_state(connection: Connection, application_name: str) -> SessionState:
    """What the idle client backends of that name in this database carry now.

    Needs pg_monitor, or the same user as the services.
    """
    row = connection.execute(_STATE, (application_name,)).fetchone()
    assert row is not None
    in_transaction, locking, temporary = row
    told = connection.info.server_version >= TELLS_OWNERS
    return SessionState(in_transaction, locking, temporary if told else None)
