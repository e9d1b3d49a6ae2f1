"""Faults that strike the database itself: its backends are ended, or all of it stands still for a while."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import psycopg

from bench.errors import PostgresDied
from bench.postgres.database import Connection, Database, connect, end_backends
from bench.postgres.freezable import Freezable

SPARE_S: Final = 30.0


class FaultFailed(RuntimeError):
    """A fault that did not happen, so that the cell does not show what it is named for."""


@dataclass(frozen=True, kw_only=True)
class Backends:
    """What an outage of one cell strikes: the service's backends, known by their name, and their server."""

    database: Database | None
    application_name: str | None
    server: Freezable | None
    asking: threading.Lock = field(default_factory=threading.Lock)
    """Held while the server stands still. Who holds it to ask something, has an answer before that."""

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """A connection of the bench's own, which no outage ends. Raises FaultFailed."""
        if self.database is None:
            raise FaultFailed("no backend can be ended without a database: give --database-url")
        try:
            connection = connect(self.database, "poolbench-faults")
        except psycopg.Error as error:
            raise FaultFailed(f"no backend can be ended: {_line(error)}") from error
        with connection:
            yield connection

    def kill(self, connection: Connection) -> str:
        """Ends every backend of the service. Raises FaultFailed where there is none, or it may not."""
        try:
            ended = end_backends(connection, self.application_name or "")
        except psycopg.Error as error:
            raise FaultFailed(f"the backends could not be ended: {_line(error)}") from error
        if not ended:
            raise FaultFailed(f"no backend is called {self.application_name}, so that none was ended")
        return f"{ended} backends ended"

    @contextmanager
    def frozen(self, planned_s: float) -> Iterator[str]:
        """The server stands still inside, and goes on at the end of it, whatever happens. Raises FaultFailed.

        It is stopped for `planned_s`, and where this process itself is stopped, it goes on soon after.
        """
        if self.server is None:
            raise FaultFailed("this run has not started that PostgreSQL, and so does not stop it")
        with self.asking:
            try:
                try:
                    count = self.server.freeze(planned_s + SPARE_S)
                except PostgresDied as error:
                    raise FaultFailed(f"PostgreSQL could not be stopped: {_line(error)}") from error
                yield f"{count} processes of PostgreSQL stand still"
            finally:
                with suppress(PostgresDied):
                    self.server.thaw()


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
