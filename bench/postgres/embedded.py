"""A PostgreSQL of the bench's own: started in a private temporary directory, gone when the bench is.

`keeper.py` owns the server and the directory; this side starts it and talks to it.
"""

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg
from psycopg import sql

from bench.errors import PostgresDied, UserError
from bench.postgres import scratch
from bench.postgres.binaries import Binaries, binaries_for, find_binaries, server_user
from bench.postgres.database import Database, connect
from bench.postgres.kept import Kept

_HOST = "127.0.0.1"
_SUPERUSER = "postgres"

_SETTINGS = {
    "listen_addresses": _HOST,
    "unix_socket_directories": "",
    # The data is thrown away, and the disk is not what is measured.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # Twenty rows that are only read: a vacuum would be nothing but a backend at work at random moments.
    "autovacuum": "off",
    # Compiling would make the first calls of a statement on each connection unlike the rest.
    "jit": "off",
    "timezone": "UTC",
    # A backend that crashes takes the connections of all with it: what was being measured is lost, and PostgreSQL ends.
    "restart_after_crash": "off",
}
_DEATH_S: Final = 0.5
"""How soon a death is told after the first connection was cut by it."""
_COUNTING = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.max": "1000",
    # What clients send, as the audit counts it; not what functions run inside.
    "pg_stat_statements.track": "top",
    "pg_stat_statements.save": "off",
}


class EmbeddedPostgres:
    """A context manager around one server on 127.0.0.1.

    `database` is labdb as labuser, its owner, who may see and end every backend of other ordinary users; `admin` is
    labdb as the superuser, for whom the server keeps three connections when the others are taken.
    Entering raises UserError when the binaries are missing, the port is taken, or the server does not start. Every call
    raises PostgresDied where the server, or its keeper, has died.
    Do not fork without exec while it is open: the copy would hold the keeper's pipe, and keep the server alive.
    """

    database: Database
    admin: Database
    directory: Path
    postmaster_pid: int

    def __init__(self, *, max_connections: int = 200, pg_bin: Path | None = None, port: int | None = None) -> None:
        self._max_connections = max_connections
        self._pg_bin = pg_bin
        self._port = port
        self._keeper: Kept | None = None

    def __enter__(self) -> Self:
        scratch.sweep()
        binaries = find_binaries(self._pg_bin)
        if self._port is not None:
            _require_free(self._port)
        user = server_user()
        self.directory, lock = scratch.private_directory(user)
        try:
            try:
                self._keeper = Kept(self.directory, lock)
            finally:
                os.close(lock)  # the keeper's copy holds the lock from here on
            self._set_up(binaries_for(binaries, user, self.directory / "copy"))
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def stop(self) -> None:
        """Stop the server (SIGINT: clients are cut off); its data stays for `start`."""
        self._kept.ask({"do": "stop"})

    def start(self) -> None:
        """Start it on the same port, after `stop`; returns when it takes connections."""
        self.postmaster_pid = self._kept.ask({"do": "start"})["pid"]

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def freeze(self, most_s: float) -> int:
        """All its processes stand still until `thaw`, until the bench has ended, however, and for `most_s` at the most;
        returns how many."""
        return int(self._kept.ask({"do": "freeze", "most_s": most_s})["frozen"])

    def thaw(self) -> None:
        """They go on; where the keeper has been let go of, it sees to that itself."""
        if self._keeper is not None:
            self._keeper.ask({"do": "thaw"})

    def died(self, within_s: float = 0.0) -> str | None:
        """What has died, in words, or does so within that time; None where it lives, or was stopped on purpose."""
        return self._keeper.died(within_s) if self._keeper is not None else None

    def refuse_death(self) -> None:
        """Raises PostgresDied where it has died. Asked where something else has failed, which may be the first sign."""
        if died := self.died(within_s=_DEATH_S):
            raise PostgresDied(died) from None

    @property
    def _kept(self) -> Kept:
        assert self._keeper is not None
        return self._keeper

    def _set_up(self, binaries: Binaries) -> None:
        user = server_user()
        counting = binaries.has_module("pg_stat_statements")
        settings = _SETTINGS | (_COUNTING if counting else {})
        settings["max_connections"] = str(self._max_connections)
        password = secrets.token_urlsafe(24)
        plan = {
            "postgres": str(binaries.postgres),
            "initdb": str(binaries.initdb),
            "settings": settings,
            "port": self._port,
            "superuser": _SUPERUSER,
            "password": password,
            "uid": None if user is None else user.uid,
            "gid": None if user is None else user.gid,
        }
        started = self._kept.ask(plan)
        self.postmaster_pid = started["pid"]
        self.admin = Database(_HOST, started["port"], "labdb", _SUPERUSER, password)
        self.database = Database(_HOST, started["port"], "labdb", "labuser", secrets.token_urlsafe(24))
        try:
            _create_roles(self.admin, self.database)
        except psycopg.Error:
            self.refuse_death()
            raise

    def _close(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.close()
        # Still there when the keeper could not be started, or was killed.
        scratch.remove_if_abandoned(self.directory)


@contextlib.contextmanager
def embedded_postgres(
    *, max_connections: int = 200, pg_bin: Path | None = None, port: int | None = None
) -> Iterator[Database]:
    """The same where nothing but the database is needed."""
    with EmbeddedPostgres(max_connections=max_connections, pg_bin=pg_bin, port=port) as server:
        yield server.database


def _create_roles(admin: Database, database: Database) -> None:
    """labuser with labdb as its own, the right to watch and end backends, and the statement counters."""
    role, name = sql.Identifier(database.user), sql.Identifier(database.name)
    first = Database(admin.host, admin.port, "postgres", admin.user, admin.password)
    with connect(first) as connection:
        password = sql.Literal(database.password)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, password))
        connection.execute(sql.SQL("GRANT pg_monitor, pg_signal_backend TO {}").format(role))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, role))
    with connect(admin) as connection:
        countable = connection.execute(
            "SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements'"
            " AND current_setting('shared_preload_libraries') = 'pg_stat_statements'"
        ).fetchall()
        if countable:
            connection.execute("CREATE EXTENSION pg_stat_statements")
            reset = sql.SQL("GRANT EXECUTE ON FUNCTION pg_stat_statements_reset TO {}")
            connection.execute(reset.format(role))
            connection.execute("SELECT pg_stat_statements_reset()")  # the password above is in them


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise UserError(f"port {port} on {_HOST} cannot be used ({error.strerror}): choose another") from error
