"""The registry of stacks: what each is made of, where it answers, and what its library does that others do not.

Standard library only, so that the bench, the tests and the generated files read it without importing a driver. A stack
is a folder and an entry here; one that lies elsewhere has the same entry in a `stacks.py` of its own (`stacks_from`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

Concurrency = Literal["one event loop", "threads"]
Dropped = Literal["slot and backend lost", "slot lost", "recovered"]
Left = Literal["setting", "temporary table", "advisory lock"]
"""What a session can keep beyond its transaction."""


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What a stack does in a way of its own, as far as forecasts, checks and tests must know of it.

    A trait that is not given is the usual one.
    """

    opens_transaction: bool = False
    """As shipped, the first statement of a hold opens a transaction, and COMMIT ends it within the hold."""
    dropped: Dropped = "slot lost"
    """What becomes of a connection whose reference is dropped without a release: the pool keeps its slot and the
    backend stays, or the backend ends with the object, by the garbage collector at the latest, and the slot is lost,
    or the garbage collector gives it back."""
    shipped_overflow: int = 0
    """How many connections the library hands out above `pool_max_size` as shipped; a test compares it with the
    library's own default."""
    shipped_timeout_bounds_connect: bool = True
    """As shipped, `pool_acquire_timeout` bounds a connect that an acquire has to make, and not the wait alone."""
    shipped_undoes: frozenset[Left] = frozenset()
    """What the library takes off a session as shipped when a connection is given back, beyond ending its transaction.
    All else is carried into the next checkout, and equalised everything."""
    counts_slots: bool = False
    """`pool_size` and `pool_free_size` count slots: one whose connection was cut off, by a cancelled statement say,
    is counted until it is handed out again."""
    forgets_waiters: bool = False
    """A slot that comes free without a connection wakes no waiter, which waits on beside it until a connection is given
    back: that of a connect that fails or is given up and, as shipped, of an overflow connection that is closed because
    several come back at once."""
    frees_lost: bool = False
    """The slot of a connection that is lost while it is out is free at once, not when its user gives it back: until
    then the service counts more in use than the pool has."""
    recovers_forgotten: bool = False
    """The framework gives back the connection of a request when the request ends, whatever its handler forgets. What
    `/api/query-leak` leaks is one that the handler took beside it, of which the framework does not know."""
    several_workers: bool = False
    """The server can run several worker processes behind one address, each with a pool of its own."""
    connects_in_background: bool = False
    """The pool connects in workers of its own, and says that it cannot connect only by not being ready in time."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One service: a pool with its driver, under a front and a server.

    `pool`, `driver`, `front`, `server` and `concurrency` are the factors in which two stacks can differ.
    """

    name: str
    """Its folder, its `application_name` in PostgreSQL, and its name in commands, records and metrics."""
    label: str
    """At the head of its column, over HTTP."""
    port: int
    """Where the lab and the Compose stack serve it."""
    pool: str
    pool_class: str
    driver: str
    front: str
    server: str
    concurrency: Concurrency
    distributions: tuple[str, ...]
    """Whose versions are recorded with a run."""
    traits: Traits = Traits()
    module: str = ""
    """The package that holds `pool.py`, `app.py` and `__main__.py`; `services.NAME` where nothing is said."""
    more: bool = False
    """Played, served and installed only where it is asked for (`--stacks all`); the others are what a run has by
    default."""
    home: Path | None = None
    """The directory in which `module` is found, where it is none of this project's; `load` fills it in."""

    @property
    def package(self) -> str:
        """The package to start by `python -m`."""
        return self.module or f"services.{self.name}"

    @property
    def threads(self) -> bool:
        """Each request in flight takes a thread, of the server or of those to which FastAPI hands `def` handlers: with
        fewer, requests wait in front of the pool."""
        return self.concurrency == "threads"

    @property
    def label_alone(self) -> str:
        """At the head of its column on the pool alone: the pool, and the stack where another has that pool, too.

        One that has to be asked for leaves the name to the others.
        """
        shared = any(
            stack.pool == self.pool and stack.name != self.name and (self.more or not stack.more)
            for stack in STACKS.values()
        )
        return f"{self.pool} ({self.name})" if shared else self.pool

    @property
    def text(self) -> str:
        """All that its column stands for, over HTTP."""
        how = "with threads" if self.threads else "on one event loop"
        return f"{self.pool}, {self.driver}, {self.front}, {self.server} {how}"

    @property
    def text_alone(self) -> str:
        """The same without front and server, as `--layer pool` plays it."""
        how = "a thread for each request" if self.threads else "tasks on one event loop (uvloop)"
        return f"{self.pool}, {self.driver}, {how}"


_UVICORN: Final = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools")
_GUNICORN: Final = ("flask", "gunicorn")
_QUEUEPOOL: Final = Traits(
    opens_transaction=True,
    dropped="recovered",
    shipped_overflow=10,
    shipped_timeout_bounds_connect=False,
    counts_slots=True,
    forgets_waiters=True,
)
"""SQLAlchemy's pool, on an event loop and for threads."""

ASYNCPG_FASTAPI: Final = Stack(
    name="asyncpg_fastapi",
    label="asyncpg + FastAPI",
    port=8000,
    pool="asyncpg.Pool",
    pool_class="asyncpg.Pool",
    driver="asyncpg",
    front="FastAPI",
    server="uvicorn",
    concurrency="one event loop",
    distributions=("asyncpg", *_UVICORN),
    traits=Traits(
        dropped="slot and backend lost", shipped_undoes=frozenset({"setting", "advisory lock"}), frees_lost=True
    ),
)
PSYCOPG_FLASK: Final = Stack(
    name="psycopg_flask",
    label="psycopg_pool + Flask",
    port=8001,
    pool="psycopg_pool",
    pool_class="psycopg_pool.ConnectionPool",
    driver="psycopg",
    front="Flask",
    server="gunicorn",
    concurrency="threads",
    distributions=("psycopg", "psycopg-pool", *_GUNICORN),
    traits=Traits(opens_transaction=True, several_workers=True, connects_in_background=True),
)
SQLALCHEMY_FASTAPI: Final = Stack(
    name="sqlalchemy_fastapi",
    label="SQLAlchemy + FastAPI",
    port=8002,
    pool="SQLAlchemy",
    pool_class="sqlalchemy.pool.AsyncAdaptedQueuePool",
    driver="asyncpg",
    front="FastAPI",
    server="uvicorn",
    concurrency="one event loop",
    distributions=("sqlalchemy", "asyncpg", *_UVICORN),
    traits=_QUEUEPOOL,
)
PSYCOPG_FASTAPI: Final = Stack(
    name="psycopg_fastapi",
    label="psycopg_pool + FastAPI",
    port=8003,
    pool="psycopg_pool (async)",
    pool_class="psycopg_pool.AsyncConnectionPool",
    driver="psycopg",
    front="FastAPI",
    server="uvicorn",
    concurrency="one event loop",
    distributions=("psycopg", "psycopg-pool", *_UVICORN),
    traits=Traits(opens_transaction=True, connects_in_background=True),
    more=True,
)
SQLALCHEMY_FLASK: Final = Stack(
    name="sqlalchemy_flask",
    label="SQLAlchemy + Flask",
    port=8004,
    pool="SQLAlchemy sync",
    pool_class="sqlalchemy.pool.QueuePool",
    driver="psycopg",
    front="Flask",
    server="gunicorn",
    concurrency="threads",
    distributions=("sqlalchemy", "psycopg", *_GUNICORN),
    traits=replace(_QUEUEPOOL, several_workers=True),
    more=True,
)
SQLALCHEMY_FASTAPI_THREADS: Final = Stack(
    name="sqlalchemy_fastapi_threads",
    label="SQLAlchemy + FastAPI threads",
    port=8005,
    pool="SQLAlchemy sync",
    pool_class="sqlalchemy.pool.QueuePool",
    driver="psycopg",
    front="FastAPI threads",
    server="uvicorn",
    concurrency="threads",
    distributions=("sqlalchemy", "psycopg", "anyio", *_UVICORN),
    traits=_QUEUEPOOL,
    more=True,
)
PSYCOPG_DJANGO: Final = Stack(
    name="psycopg_django",
    label="psycopg_pool + Django",
    port=8006,
    pool="psycopg_pool",  # a ConnectionPool that Django makes and uses, by its own setting
    pool_class="psycopg_pool.ConnectionPool",
    driver="psycopg",
    front="Django",
    server="gunicorn",
    concurrency="threads",
    distributions=("psycopg", "psycopg-pool", "django", "gunicorn"),
    traits=Traits(recovers_forgotten=True, several_workers=True, connects_in_background=True),
    more=True,
)

_known: Final[dict[str, Stack]] = {
    stack.name: stack
    for stack in (
        ASYNCPG_FASTAPI,
        PSYCOPG_FLASK,
        SQLALCHEMY_FASTAPI,
        PSYCOPG_FASTAPI,
        SQLALCHEMY_FLASK,
        SQLALCHEMY_FASTAPI_THREADS,
        PSYCOPG_DJANGO,
    )
}
STACKS: Final[Mapping[str, Stack]] = MappingProxyType(_known)
"""Every stack by name, in the order in which it is told, those that have to be asked for last; see `register`."""


def register(stacks: Mapping[str, Stack]) -> None:
    """Puts these in place of all that there were."""
    ordered = sorted(stacks.items(), key=lambda each: each[1].more)
    _known.clear()
    _known.update(ordered)


def usual() -> tuple[Stack, ...]:
    """What a run plays where no stack is named: all but those that have to be asked for."""
    return tuple(stack for stack in STACKS.values() if not stack.more)


WITH: Final = "@"
"""In the name of a column between a stack and the libraries that it is played with in place of the locked ones."""


def shipped_overflow(name: str) -> int:
    """How many connections a stack hands out above `pool_max_size` as shipped; 0 for a service of no stack here."""
    return STACKS[name].traits.shipped_overflow if name in STACKS else 0


def leaks_beside(name: str) -> str:
    """Of what leaks in this stack, where that is not the connection that its handlers use; "" where it is."""
    beside = name in STACKS and STACKS[name].traits.recovers_forgotten
    return f"beside the request's own connection, which {STACKS[name].front} gives back by itself" if beside else ""
