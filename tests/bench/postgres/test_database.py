"""What a database's address says, and what PostgreSQL says of itself."""

import socket
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from bench.errors import UserError
from bench.postgres.database import (
    Backends,
    Database,
    backends,
    calibrate_units,
    connect,
    end_backends,
    load_schema,
    max_connections,
    reachable,
    statement_counts,
)
from bench.postgres.embedded import EmbeddedPostgres
from tests.waiting import until

SCHEMA = Path(__file__).parents[3] / "services" / "schema.sql"
ODD = Database("::1", 6543, "my db/1", "al@ice", "p:a/s?s#%")


def test_texts_of_a_database_without_an_encoding_are_texts(server: EmbeddedPostgres) -> None:
    with connect(server.admin) as admin:
        admin.execute("CREATE DATABASE plain OWNER labuser ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    plain = Database(server.admin.host, server.admin.port, "plain", server.database.user, server.database.password)
    try:
        with connect(plain) as connection:
            assert connection.execute("SELECT state FROM pg_stat_activity WHERE pid = pg_backend_pid()").fetchone() == (
                "active",
            )
    finally:
        with connect(server.admin) as admin:
            admin.execute("DROP DATABASE plain WITH (FORCE)")


def test_a_url_is_read_whole() -> None:
    assert Database.from_url("postgresql://labuser:labpassword@postgres:5433/labdb") == Database(
        "postgres", 5433, "labdb", "labuser", "labpassword"
    )
    assert Database.from_url("postgres://me@localhost/mine") == Database("localhost", 5432, "mine", "me", "")


def test_odd_characters_survive_the_url() -> None:
    assert Database.from_url(ODD.dsn) == ODD
    assert conninfo_to_dict(ODD.dsn) == {
        "host": "::1", "port": "6543", "dbname": "my db/1", "user": "al@ice", "password": "p:a/s?s#%",
    }  # fmt: skip
    assert ODD.env() == {
        "DB_HOST": "::1", "DB_PORT": "6543", "DB_NAME": "my db/1", "DB_USER": "al@ice", "DB_PASSWORD": "p:a/s?s#%",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://u:secret@h/d", "does not begin with postgresql://"),
        ("u:secret@h/d", "does not begin with postgresql://"),
        ("postgresql://:secret@h/d", "names no user"),
        ("postgresql://u:secret@/d", "names no host"),
        ("postgresql://u:secret@h", "names no database"),
        ("postgresql://u:secret@h:port/d", "cannot be read"),
        ("postgresql://u:secret@h/d?sslmode=require", "no options"),
    ],
)
def test_a_wrong_url_is_told_without_its_password(url: str, told: str) -> None:
    with pytest.raises(UserError) as error:
        Database.from_url(url)

    assert told in str(error.value)
    assert "postgresql://user:password@host:port/database" in str(error.value)
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)


def test_the_password_is_never_shown() -> None:
    assert "p:a" not in f"{ODD!r} {ODD}"


def test_reachable_tells_why_not(server: EmbeddedPostgres) -> None:
    reachable(server.database)
    with socket.socket() as silent:  # bound and not listening: nobody answers there, and nobody else can take it
        silent.bind(("127.0.0.1", 0))
        nowhere = Database("127.0.0.1", silent.getsockname()[1], "labdb", "labuser", "secret")
        with pytest.raises(UserError, match=r"labdb on 127\.0\.0\.1:\d+ as labuser: start it.*refused") as error:
            reachable(nowhere)

    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)


def test_the_schema_can_be_loaded_twice(other: Database) -> None:
    load_schema(other, SCHEMA)
    load_schema(other, SCHEMA)

    with connect(other) as connection:
        found = connection.execute("SELECT count(*), burn(0) FROM items WHERE id <= 20").fetchone()
    assert found == (20, 0)


def test_a_schema_that_fails_leaves_nothing(other: Database, tmp_path: Path) -> None:
    broken = tmp_path / "broken.sql"
    broken.write_text("CREATE TABLE half (id integer); SELECT 1 / 0;")

    with pytest.raises(UserError, match=r"the schema cannot be loaded into other on .*: division by zero"):
        load_schema(other, broken)

    with connect(other) as connection:
        assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("CREATE TABLE items (id integer, title text)", "with the columns id, title"),
        (
            "CREATE TABLE items AS SELECT 1 AS id, 'a chair' AS name, 5000 AS price_cents",
            "with 1 rows, of which 0 are the bench's",
        ),
    ],
)
def test_somebody_else_s_table_is_left_alone(other: Database, table: str, why: str) -> None:
    with connect(other) as connection:
        connection.execute(f"DROP TABLE IF EXISTS items; {table}")
        before = connection.execute("SELECT count(*) FROM items").fetchone()

        with pytest.raises(UserError, match=rf"has a table items of its own \({why}\): give a database for the bench"):
            load_schema(other, SCHEMA)

        assert connection.execute("SELECT count(*) FROM items").fetchone() == before
        connection.execute("DROP TABLE items")


def test_a_user_without_rights_is_told(server: EmbeddedPostgres, tmp_path: Path) -> None:
    table = tmp_path / "table.sql"
    table.write_text("CREATE TABLE pg_catalog.mine (id integer);")

    with pytest.raises(UserError, match="labuser may not load the schema into labdb"):
        load_schema(server.database, table)


def test_the_limit_of_connections_is_the_one_set(server: EmbeddedPostgres) -> None:
    with connect(server.database) as connection:
        assert max_connections(connection) == 37


def test_backends_are_counted_by_name_and_state(server: EmbeddedPostgres) -> None:
    with ExitStack() as open_now:
        watcher = open_now.enter_context(connect(server.database))
        idle, in_transaction, failed, active = (
            open_now.enter_context(connect(server.database, "watched")) for _ in range(4)
        )
        open_now.enter_context(connect(server.database, "somebody else"))
        idle.execute("SELECT 1")
        in_transaction.execute("BEGIN")
        failed.execute("BEGIN")
        with pytest.raises(psycopg.errors.DivisionByZero):
            failed.execute("SELECT 1 / 0")
        active.pgconn.send_query(b"SELECT pg_sleep(3600)")

        expected = Backends(total=4, active=1, idle=1, idle_in_transaction=2)
        until(lambda: backends(watcher, "watched") == expected)
        active.close()  # leaving it would ask for a COMMIT in the middle of the statement
        server_side = watcher.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE state = 'active' AND application_name = 'watched'"
        )
        assert server_side.fetchall() == [(True,)]
    with connect(server.database) as watcher:
        until(lambda: backends(watcher, "watched") == Backends(0, 0, 0, 0))


def test_the_server_counts_statements(server: EmbeddedPostgres) -> None:
    asked = "SELECT  set_config('poolbench.answer', %s,\n false)"
    counted = "SELECT set_config($2, $1, $3)"
    with connect(server.database) as connection:
        before = statement_counts(connection)
        for _ in range(7):
            connection.execute(asked, ("42",))
        after = statement_counts(connection)

    assert before is not None
    assert after is not None
    assert after[counted] - before.get(counted, 0) == 7


def test_a_server_that_does_not_count_says_so(other: Database) -> None:
    with connect(other) as connection:
        assert statement_counts(connection) is None


def test_work_is_calibrated_to_the_target(other: Database) -> None:
    """A burn of at least 1 ms per unit: more than 40 units can never fit into 40 ms, whatever the machine does."""
    with connect(other) as connection:
        connection.execute(
            "CREATE FUNCTION burn(units bigint) RETURNS bigint LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_sleep(units * 0.001); RETURN units; END $$"
        )
    # Twice the bound, for the time of `burn(0)` that is taken off.
    assert 1 <= calibrate_units(other, 40.0) <= 80


def test_work_that_is_none_is_told(other: Database) -> None:
    with connect(other) as connection:
        connection.execute("CREATE FUNCTION burn(units bigint) RETURNS bigint LANGUAGE sql AS 'SELECT units'")

    with pytest.raises(UserError, match="does no work"):
        calibrate_units(other, 5.0)
    with pytest.raises(ValueError, match="positive"):
        calibrate_units(other, 0.0)


def test_backends_are_ended_by_name_in_this_database_only(server: EmbeddedPostgres, other: Database) -> None:
    with (
        connect(server.database) as watcher,
        connect(server.database, "struck") as struck,
        connect(server.database, "spared") as spared,
        connect(other, "struck") as elsewhere,
    ):
        assert end_backends(watcher, "struck") == 1
        until(lambda: backends(watcher, "struck").total == 0)
        for connection in (spared, elsewhere):
            assert connection.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError):
            struck.execute("SELECT 1")
        assert end_backends(watcher, "nobody") == 0
