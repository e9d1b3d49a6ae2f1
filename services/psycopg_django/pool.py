"""Django's own connection pool as an adapter: a `psycopg_pool.ConnectionPool`, made from the setting `pool`.

Views use a pool by an alias of DATABASES. Each pool here has an alias of its own, since Django has one pool for each.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from typing import Any, ClassVar, Final, Self

import django
import psycopg
from django.conf import settings
from django.db import Error, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg_pool import PoolTimeout

from services.common.books import Errors
from services.common.settings import Address, Config
from services.common.statements import Statement
from services.drivers.psycopg import SQL, refuse_pure_python
from services.pools.adapters import Connecting, Sizes

CONNECT_TIMEOUT_S: Final = 5
OPEN_TIMEOUT_S: Final = 10.0
"""The pool connects in threads of its own, and reports a failure only by not being ready in time."""
CLOSE_TIMEOUT_S: Final = 0.3
NEVER_S: Final = 1e9

_numbers: Final = count(1)
_changing: Final = threading.Lock()


class Pool:
    """The `ConnectionPool` of one alias. What it hands out is a `DatabaseWrapper`, as `django.db.connection` is one."""

    DATABASE_ERRORS: ClassVar[Errors] = (Error, psycopg.Error, OSError)
    TIMEOUT_ERRORS: ClassVar[Errors] = (PoolTimeout,)
    """An exhausted pool and one that cannot connect raise the same: only the service's own counts can tell."""

    def __init__(self, alias: str, config: Config) -> None:
        self._alias = alias
        self._unused = connections.create_connection(alias)
        self._pool = self._unused.pool
        self.capacity = config.pool_max_size

    @staticmethod
    def shape(config: Config) -> tuple[int, int]:
        """A size makes a new pool: Django's setting is read once."""
        return config.pool_min_size, config.pool_max_size

    @staticmethod
    def ping(address: Address) -> None:
        refuse_pure_python()
        psycopg.connect(address.dsn, connect_timeout=CONNECT_TIMEOUT_S).close()

    @classmethod
    def open(cls, address: Address, config: Config, connecting: Connecting) -> Self:
        refuse_pure_python()
        if not settings.configured:  # without HTTP no front has done it
            settings.configure(LOGGING_CONFIG=None)
            django.setup()

        class CountedConnection(psycopg.Connection):
            @classmethod
            def connect(cls, *args: Any, **options: Any) -> Self:
                with connecting():
                    return super().connect(*args, **options)

        pool: dict[str, Any] = {
            "min_size": config.pool_min_size,
            "max_size": config.pool_max_size,
            "timeout": config.pool_acquire_timeout,
            "connection_class": CountedConnection,
        }
        options: dict[str, Any] = {"application_name": address.application_name, "pool": pool}
        if config.tuning == "equalised":
            # Exactly these connections for good. Parameters that the server binds, prepared at the first execution,
            # as asyncpg does; Django's own default is to put them into the text, and to prepare nothing.
            pool |= {"max_lifetime": NEVER_S, "max_idle": NEVER_S}
            options |= {"server_side_binding": True, "prepare_threshold": 0}
        alias = f"pool {next(_numbers)}"
        _know(alias, _database(address, options))
        made = cls(alias, config)
        try:
            made._pool.open(wait=True, timeout=OPEN_TIMEOUT_S)
        except psycopg.Error:
            made.close(())
            raise
        return made

    def acquire(self, timeout_s: float) -> DatabaseWrapper:
        """A wrapper beside the thread's own, which has one connection at most, where a handler may hold two.

        Django gives back a thread's own when a request ends, and knows nothing of this one.
        """
        connection = connections.create_connection(self._alias)
        connection.inc_thread_sharing()  # what was leaked is given back by another thread
        return self._connected(connection, timeout_s)

    def release(self, connection: DatabaseWrapper) -> None:
        """In autocommit, which Django is in outside of `atomic`, that is no round trip."""
        connection.close()

    @contextmanager
    def checkout(self, timeout_s: float) -> Iterator[DatabaseWrapper]:
        """The thread's own, as views have it. Django has no context manager for it, and closes it after the answer;
        `closing` is how to give it back earlier."""
        with closing(self._connected(connections[self._alias], timeout_s)) as connection:
            yield connection

    def execute(self, connection: DatabaseWrapper, statement: Statement, *values: float) -> int:
        with connection.cursor() as cursor:
            cursor.execute(SQL[statement], values or None)
            return len(cursor.fetchall())

    def end(self, connection: DatabaseWrapper) -> None:
        """Django opens no transaction outside of `atomic`, so that there is none to end."""

    def sizes(self) -> Sizes:
        stats = self._pool.get_stats()
        return Sizes(stats["pool_size"], stats["pool_available"])

    def close(self, kept: Sequence[DatabaseWrapper]) -> None:
        self._pool.close(timeout=CLOSE_TIMEOUT_S)
        for connection in kept:
            connection.close()
        self._unused.close_pool()
        _know(self._alias, None)

    def _connected(self, connection: DatabaseWrapper, timeout_s: float) -> DatabaseWrapper:
        """The timeout is the pool's, which reads it as a wait begins; every error is Django's, with psycopg's as its
        cause."""
        self._pool.timeout = timeout_s
        try:
            connection.ensure_connection()
        except Error as error:
            connection.close()
            if isinstance(error.__cause__, PoolTimeout):
                raise error.__cause__ from None
            raise
        return connection


def _database(address: Address, options: dict[str, Any]) -> dict[str, Any]:
    """An entry of DATABASES."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": address.database,
        "USER": address.user,
        "PASSWORD": address.password,
        "HOST": address.host,
        "PORT": address.port,
        "OPTIONS": options,
    }


def _know(alias: str, database: dict[str, Any] | None) -> None:
    """Adds an entry to DATABASES, or takes it out. The mapping is replaced: Django goes through it at the beginning
    and the end of every request."""
    with _changing:
        others = {name: known for name, known in connections.settings.items() if name != alias}
        connections.settings = connections.configure_settings(others | ({alias: database} if database else {}))
