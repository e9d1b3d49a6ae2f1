"""One PostgreSQL database: its address, its schema, and what the server itself says."""

import os
import socket
import statistics
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import psycopg
from psycopg import errors

from bench.errors import UserError

Connection = psycopg.Connection[Any]

_URL_SHAPE = "write it as postgresql://user:password@host:port/database"
_SCHEMA_LOCK = 0x706F6F6C  # any number, as long as every bench takes the same one
_SHORTEST_MEASURE_MS = 20.0  # below this, the clock and the scheduler are a visible part of the time
_MOST_UNITS = 2**40

_own = weakref.WeakSet[Connection]()
_own_lock = threading.Lock()


@dataclass(frozen=True)
class Database:
    """Where a database is, and who to be there."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)

    @classmethod
    def from_url(cls, url: str) -> "Database":
        """Read `postgresql://user:password@host:port/database`; port 5432 and no password may be left out.

        Raises UserError, which never shows the password.
        """
        try:
            parts = urlsplit(url)
            port = 5432 if parts.port is None else parts.port
        except ValueError as error:
            raise UserError(f"the database URL cannot be read: {_URL_SHAPE}") from error
        name = unquote(parts.path.removeprefix("/"))
        if parts.scheme not in ("postgresql", "postgres"):
            raise UserError(f"the database URL does not begin with postgresql://: {_URL_SHAPE}")
        for what, value in (("user", parts.username), ("host", parts.hostname), ("database", name)):
            if not value:
                raise UserError(f"the database URL names no {what}: {_URL_SHAPE}")
        if parts.query or parts.fragment:
            raise UserError(f"the services take no options from a database URL (after ? or #): {_URL_SHAPE}")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname or "", port, name, user, password)

    @property
    def dsn(self) -> str:
        """The URL that asyncpg and libpq read; it holds the password, if there is one."""
        user, password, name = (quote(part, safe="") for part in (self.user, self.password, self.name))
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"postgresql://{user}{':' * bool(password)}{password}@{host}:{self.port}/{name}"

    def env(self) -> dict[str, str]:
        """The same for a service's environment."""
        return {
            "DB_HOST": self.host,
            "DB_PORT": str(self.port),
            "DB_NAME": self.name,
            "DB_USER": self.user,
            "DB_PASSWORD": self.password,
        }

    def __str__(self) -> str:
        return f"{self.name} on {self.host}:{self.port} as {self.user}"


@dataclass(frozen=True)
class Backends:
    """Server processes of one client, by state; `total` also counts states that are none of the three."""

    total: int
    active: int
    idle: int
    idle_in_transaction: int


def connect(database: Database, application_name: str = "poolbench", timeout_s: int = 5) -> Connection:
    """A connection in autocommit, so that the bench itself never holds a transaction open.

    Raises psycopg.OperationalError. libpq rounds a timeout below 2 s up to 2 s.
    """
    connection: Connection = psycopg.connect(
        database.dsn,
        application_name=application_name,
        connect_timeout=timeout_s,
        client_encoding="UTF8",  # of a database without an encoding (SQL_ASCII) texts would come as bytes
        autocommit=True,
    )
    with _own_lock:
        _own.add(connection)
    return connection


def cut_connections() -> None:
    """Ends every connection that `connect` has made: a query that is waited for fails.

    On a server that stands still nothing else wakes it: no statement_timeout, no tcp_user_timeout and no cancelling.
    """
    with _own_lock:
        connections = list(_own)
    for connection in connections:
        with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(connection.fileno())) as same:
            same.shutdown(socket.SHUT_RDWR)


def reachable(database: Database) -> None:
    """Connect and ask once. Raises UserError with the server's reason."""
    try:
        with connect(database) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"cannot reach database {database}: start it, or correct the address ({reason})") from error


def load_schema(database: Database, path: Path) -> None:
    """Run a file of SQL in one transaction; two benches that do so at once take turns.

    Raises UserError when the user may not create what is in it, or another's table has the name of one of these.
    """
    with connect(database) as connection:
        try:
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
                if foreign := _foreign_items(connection):
                    raise UserError(
                        f"{database} has a table items of its own ({foreign}): give a database for the bench"
                    )
                connection.execute(path.read_bytes())
        except errors.InsufficientPrivilege as error:
            reason = " ".join(str(error).split())
            raise UserError(
                f"{database.user} may not load the schema into {database.name}: "
                f"make it the owner of the database ({reason})"
            ) from error
        except psycopg.Error as error:
            reason = " ".join(str(error).split())
            raise UserError(f"the schema cannot be loaded into {database}: {reason}") from error


def _foreign_items(connection: Connection) -> str:
    """What tells that `items` is not the bench's; "" where it is, or is not there."""
    columns = [
        str(name)
        for (name,) in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('items') AND attnum > 0 AND NOT attisdropped"
            " ORDER BY attnum"
        )
    ]
    if not columns:
        return ""
    if columns != ["id", "name", "price_cents"]:
        return f"with the columns {', '.join(columns)}"
    ours = _value(connection, "SELECT count(*) FROM items WHERE name = format('item %s', id)")
    rows = _value(connection, "SELECT count(*) FROM items")
    return "" if rows in (0, ours) else f"with {rows} rows, of which {ours} are the bench's"


def max_connections(connection: Connection) -> int:
    """How many connections the server takes in all, those reserved for superusers included."""
    return int(_value(connection, "SELECT current_setting('max_connections')"))


def backends(connection: Connection, application_name: str) -> Backends:
    """The client backends of that name in this database now. Needs pg_monitor, or the same user as the services."""
    row = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE state = 'active'), count(*) FILTER (WHERE state = 'idle'),"
        " count(*) FILTER (WHERE state LIKE 'idle in transaction%%')"
        " FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND datname = current_database() AND application_name = %s",
        (application_name,),
    ).fetchone()
    assert row is not None
    return Backends(*row)


def end_backends(connection: Connection, application_name: str) -> int:
    """Terminates the client backends of that name in this database; returns how many.

    Raises psycopg.Error where it may not: it needs pg_signal_backend, or the same user as the services.
    """
    return int(
        _value(
            connection,
            "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND datname = current_database() AND application_name = %s",
            application_name,
        )
    )


def statement_counts(connection: Connection) -> dict[str, int] | None:
    """Calls since the counters began, by statement text (white space folded, constants as $1), in this database.

    None when the server does not count: no pg_stat_statements in it, not loaded, or not ours to read.
    """
    try:
        rows = connection.execute(
            "SELECT query, calls FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid"
            " WHERE toplevel AND d.datname = current_database() AND query IS NOT NULL"
        ).fetchall()
    except (
        errors.UndefinedTable,
        errors.UndefinedColumn,  # before PostgreSQL 14: calls from inside functions cannot be told apart
        errors.ObjectNotInPrerequisiteState,
        errors.InsufficientPrivilege,
    ):
        return None
    counts: dict[str, int] = {}
    for query, calls in rows:  # one text can stand for several users
        text = " ".join(query.split())
        counts[text] = counts.get(text, 0) + calls
    return counts


def calibrate_units(database: Database, target_ms: float) -> int:
    """The n for which `SELECT burn(n)` takes `target_ms` on the database as it is now: run it while it is idle.

    Doubles n until a call lasts 20 ms and the target, then takes the median of five, less that of `burn(0)`: the
    round trip is not work. Raises ValueError for a target that is not positive, UserError where burn costs nothing or
    is missing.
    """
    if not target_ms > 0:
        raise ValueError(f"target_ms must be positive, not {target_ms}")
    with connect(database) as connection:

        def burn_ms(units: int) -> float:
            started = time.perf_counter()
            try:
                connection.execute("SELECT burn(%s::bigint)", (units,))
            except errors.UndefinedFunction as error:
                raise UserError(f"there is no burn() in {database}: load services/schema.sql into it") from error
            return (time.perf_counter() - started) * 1000

        units = 1
        while burn_ms(units) < max(target_ms, _SHORTEST_MEASURE_MS):
            units *= 2
            if units > _MOST_UNITS:
                raise UserError(f"burn() in {database} does no work: load services/schema.sql into it again")
        cost_ms = _median_of_five(lambda: burn_ms(units)) - _median_of_five(lambda: burn_ms(0))
    return max(1, round(target_ms * units / max(cost_ms, 1e-6)))


def _median_of_five(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(5))


def _value(connection: Connection, query: Any, *parameters: Any) -> Any:
    row = connection.execute(query, parameters or None).fetchone()
    assert row is not None
    return row[0]
