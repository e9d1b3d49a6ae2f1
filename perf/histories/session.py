"""What a session says of itself and is made to keep, through the contract's own statements: no driver is known here.

`burn(n)` of the database is another function meanwhile: it tells (n ≥ 0), or leaves something on its session (n < 0).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from psycopg import sql

from bench.postgres.database import Connection, Database, connect, load_schema
from bench.targets.process import SCHEMA_SQL
from services.stacks import Left

MARKS: Final[dict[Left, int]] = {"setting": 1, "temporary table": 2, "advisory lock": 4}
"""What can be left on a session. `burn(-mark)` leaves it."""
TRANSACTION: Final = 8
"""A transaction that is not ended; each `burn(-mark)` writes."""
ASKERS: Final = 64
"""`burn(n)` for n below tells under n which backend it is; its rows are as many as the sum of the marks it finds."""

_TELL: Final = f"""
DROP FUNCTION IF EXISTS burn(bigint);
CREATE FUNCTION burn(n bigint) RETURNS SETOF integer LANGUAGE plpgsql AS $$
DECLARE
    found integer := 0;
BEGIN
    IF n < 0 THEN
        PERFORM pg_current_xact_id();
        IF -n & 1 > 0 THEN PERFORM set_config('histories.left', 'yes', false); END IF;
        IF -n & 2 > 0 AND to_regclass('pg_temp.left_over') IS NULL THEN CREATE TEMPORARY TABLE left_over (); END IF;
        IF -n & 4 > 0 THEN PERFORM pg_advisory_lock_shared(4711); END IF;
        RETURN;
    END IF;
    IF current_setting('histories.left', true) = 'yes' THEN found := 1; END IF;
    IF to_regclass('pg_temp.left_over') IS NOT NULL THEN found := found + 2; END IF;
    IF EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) THEN
        found := found + 4;
    END IF;
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN found := found + 8; END IF;
    -- A sequence is set at once for all to see, in whatever transaction.
    PERFORM setval('asker_' || n, pg_backend_pid());
    RETURN QUERY SELECT generate_series(1, found);
END
$$;
DO $$ BEGIN
    FOR n IN 0..{ASKERS - 1} LOOP
        EXECUTE format('CREATE UNLOGGED SEQUENCE IF NOT EXISTS asker_%s', n);
    END LOOP;
END $$;
"""
_TELL_NO_MORE: Final = f"""
DROP FUNCTION IF EXISTS burn(bigint);
DO $$ BEGIN
    FOR n IN 0..{ASKERS - 1} LOOP
        EXECUTE format('DROP SEQUENCE IF EXISTS asker_%s', n);
    END LOOP;
END $$;
"""
_TOLD: Final = sql.SQL("SELECT last_value FROM {}")
_BACKENDS: Final = (
    "SELECT pid, state LIKE 'idle in transaction%%' FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND datname = current_database() AND application_name = %s"
)


class Server:
    """What PostgreSQL itself says of one stack's backends, and how it ends one."""

    def __init__(self, connection: Connection, application_name: str) -> None:
        self._connection = connection
        self._name = application_name

    def backend_of(self, asker: int) -> int:
        """The process that has told under this number last."""
        ((pid,),) = self._connection.execute(_TOLD.format(sql.Identifier(f"asker_{asker}")))
        return int(pid)

    def backends(self) -> dict[int, bool]:
        """Each live backend of the stack, and whether it idles in a transaction."""
        return dict(self._connection.execute(_BACKENDS, (self._name,)).fetchall())

    def kill(self, pid: int) -> None:
        """Ends a backend; returns when the process is gone."""
        self._connection.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))


@contextmanager
def telling(database: Database) -> Iterator[Connection]:
    """For as long as the block lasts, sessions of the database tell; then `burn` is what it was."""
    with connect(database) as connection:
        connection.execute(_TELL.encode())
        try:
            yield connection
        finally:
            connection.execute(_TELL_NO_MORE.encode())
            load_schema(database, SCHEMA_SQL)
