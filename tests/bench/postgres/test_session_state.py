"""What PostgreSQL tells of connections that were given back, asked of a real one."""

from contextlib import ExitStack

import psycopg
import pytest

from bench.postgres.database import Connection, connect
from bench.postgres.embedded import EmbeddedPostgres
from bench.postgres.session_state import SessionState, session_state
from tests.waiting import until

CLEAN = (
    ("SELECT 1",),
    ("BEGIN", "SELECT 1", "COMMIT"),
    ("BEGIN", "SELECT pg_advisory_xact_lock(1)", "ROLLBACK"),
    ("SELECT pg_advisory_lock(2)", "SELECT pg_advisory_unlock(2)"),
    ("CREATE TEMPORARY TABLE gone (id integer)", "DROP TABLE gone"),
    ("CREATE TEMPORARY TABLE discarded (id integer)", "DISCARD ALL"),
)
UNSEEN = (("SET statement_timeout = 1",), ("LISTEN somebody",), ("PREPARE one AS SELECT 1",))


def ran(statements: tuple[str, ...], on: Connection) -> Connection:
    for statement in statements:
        on.execute(statement.encode())
    return on


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        *((one, SessionState(0, 0, 0)) for one in (*CLEAN, *UNSEEN)),
        (("BEGIN", "SELECT 1"), SessionState(1, 0, 0)),
        (("BEGIN", "SELECT pg_advisory_lock(3)"), SessionState(1, 0, 0)),
        (("SELECT pg_advisory_lock(4)",), SessionState(0, 1, 0)),
        (("BEGIN", "SELECT pg_advisory_lock(5)", "COMMIT"), SessionState(0, 1, 0)),
        (("CREATE TEMPORARY TABLE mine (id integer)",), SessionState(0, 0, 1)),
        (("CREATE TEMPORARY TABLE a (id serial PRIMARY KEY)", "CREATE TEMPORARY TABLE b ()"), SessionState(0, 0, 1)),
        (("BEGIN", "CREATE TEMPORARY TABLE mine (id integer)"), SessionState(1, 0, 0)),
    ],
)
def test_what_one_connection_keeps(
    server: EmbeddedPostgres, statements: tuple[str, ...], expected: SessionState
) -> None:
    with ExitStack() as open_now:
        watcher, one, other = (
            open_now.enter_context(connect(server.database, name)) for name in ("watcher", "kept by", "somebody else")
        )
        ran(("SELECT pg_advisory_lock(6)", "CREATE TEMPORARY TABLE theirs ()", "BEGIN"), other)
        ran(statements, one)

        until(lambda: session_state(watcher, "kept by") == expected)
        one.rollback()


def test_failed_transactions_are_open_and_work_in_progress_is_none(server: EmbeddedPostgres) -> None:
    with ExitStack() as open_now:
        watcher = open_now.enter_context(connect(server.database))
        failed, working = (open_now.enter_context(connect(server.database, "mixed")) for _ in range(2))
        with pytest.raises(psycopg.errors.DivisionByZero):
            ran(("BEGIN", "SELECT 1 / 0"), failed)
        ran(("SELECT pg_advisory_lock(7)", "CREATE TEMPORARY TABLE busy ()"), working)
        until(lambda: session_state(watcher, "mixed") == SessionState(1, 1, 1))
        working.pgconn.send_query(b"SELECT pg_sleep(3600)")

        until(lambda: session_state(watcher, "mixed") == SessionState(1, 0, 0))
        working.close()
