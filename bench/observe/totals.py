"""What a service and PostgreSQL have counted so far, read while nothing goes on: before a load, and after it.

The service is asked over HTTP, or the pool's own process says it; PostgreSQL is asked where there is a database.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Final, Protocol, Self

import psycopg

from bench.postgres.database import Connection, Database, connect, statement_counts
from bench.postgres.session_state import session_state
from bench.record.readings import Counted, Reading
from bench.targets.http import Client
from bench.targets.service import Told
from services.common import contract

SAID: Final = (
    "acquired_total", "released_total", "timed_out_total", "failed_total", "leaked_total", "abandoned_total",
    "waiter_seconds_total", "used_seconds_total", "waiting_requests", "pool_used_size",
)  # fmt: skip
"""What is taken from `/pool/stats`, by the names of `Reading`."""
READS_ITEMS: Final = re.compile(r'SELECT\b.*\bFROM\s+(?:"?\w+"?\.)?"?items\b', re.IGNORECASE)
"""The contract's statement, however a library writes it. Neither the bench nor its sampler ever reads `items`."""
POLL_S: Final = 0.02


class Teller(Protocol):
    """Who tells what a service counts, and which settings are in force."""

    def told(self) -> Told: ...

    def settings(self) -> dict[str, Any]: ...


class OverHttp:
    """A service that is asked each time, on a connection of its own: through a long load the service would close one
    that idles, at the moment at which it is asked for the counts after it.

    Raises OSError, HTTPException or ServiceError where it does not answer.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def told(self) -> Told:
        stats = self._get(contract.STATS)
        return Told(monotonic(), stats)

    def settings(self) -> dict[str, Any]:
        return self._get(contract.CONFIG)

    def _get(self, path: str) -> dict[str, Any]:
        with self._client:
            return self._client.get(path)


class Totals:
    """A context with a connection to PostgreSQL of its own, made before the load, so that a reading is short.

    Entering raises psycopg.OperationalError, and reading what the teller raises. A PostgreSQL that does not answer is
    not known.
    """

    def __init__(self, teller: Teller, application_name: str | None, database: Database | None) -> None:
        self._teller = teller
        self._application_name = application_name or ""
        self._database = database if application_name else None
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        if self._database is not None:
            self._connection = connect(self._database, "poolbench-audit")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()

    def read(self) -> Reading:
        """The counts now, at the monotonic clock's time."""
        at_s, stats = self._teller.told()
        return Reading(at_s=at_s, reads=self._reads(), **self._session_state(), **_said(stats))

    def read_at_rest(self, still_out: int, most_s: float) -> Reading:
        """The counts once no request waits, and nothing is handed out or left open but what leaked; as they are after
        `most_s`, where it does not come to that."""
        deadline = monotonic() + most_s
        while not at_rest(reading := self.read(), still_out) and monotonic() < deadline:
            sleep(POLL_S)
        return reading

    def settings(self) -> dict[str, Any]:
        """What is in force now."""
        return self._teller.settings()

    def _reads(self) -> int | None:
        try:
            counts = statement_counts(self._connection) if self._connection else None
        except psycopg.Error:
            return None
        return sum(calls for text, calls in counts.items() if READS_ITEMS.match(text)) if counts is not None else None

    def _session_state(self) -> dict[str, Any]:
        """Session state on the service's connections, by the names of `Reading`; nothing where that is not known."""
        try:
            return asdict(session_state(self._connection, self._application_name)) if self._connection else {}
        except psycopg.Error:
            return {}


def at_rest(reading: Reading, still_out: int) -> bool:
    """Whether nothing is going on but what leaked."""
    left = (reading.pool_used_size, reading.idle_in_transaction, reading.locking, reading.temporary)
    return not reading.waiting_requests and all((count or 0) <= still_out for count in left)


def counted(
    before: Reading, after: Reading, t0: float, was: Mapping[str, Any] | None, now: Mapping[str, Any]
) -> Counted:
    """Two readings on the clock of a load that began at `t0`, and the settings that are not what they were."""
    return Counted(
        before=replace(before, at_s=before.at_s - t0),
        after=replace(after, at_s=after.at_s - t0),
        changed={name: value for name, value in now.items() if was is not None and was.get(name) != value},
    )


def _said(stats: Mapping[str, Any]) -> dict[str, Any]:
    return {name: stats.get(name) for name in SAID}
