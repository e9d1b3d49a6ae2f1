"""A service that gives a connection back as a cancelled request left it is named by the audit, from PostgreSQL's view.

The fake's connection is a real one; the three real services are looked at in the same way, and not accused.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from bench.analysis.audit_books import rest
from bench.observe.totals import OverHttp, Totals
from bench.postgres.database import Database
from bench.record.readings import Counted
from bench.record.schema import AuditCheck
from bench.targets.http import Client
from services.common import contract
from tests.bench import made
from tests.bench.check.dirty_service import DirtyService
from tests.bench.check.fake_http import Handler, serving
from tests.bench.check.fake_service import SERVICE
from tests.conftest import StartService
from tests.waiting import until

BEGUN = (("BEGIN", "SELECT 1 FROM items LIMIT 1"), ("COMMIT",))
FAILED = (("BEGIN", "SELECT 1 / 0"), ("ROLLBACK",))
LOCKED = (("SELECT pg_advisory_lock(11)",), ("SELECT pg_advisory_unlock(11)",))
TEMPORARY = (("CREATE TEMPORARY TABLE IF NOT EXISTS scratch (id integer)",), ("DROP TABLE scratch",))
UNTIL_CANCELLED_MS = 60_000
PATIENT_S = 60.0
HASTY_S = 0.3
"""Long enough to be asked again and again while the connection stays as it is."""


@contextmanager
def dirty(
    database: Database, statements: tuple[tuple[str, ...], tuple[str, ...]], *, resets: bool = False
) -> Iterator[str]:
    """The fake on its real connection; its address."""
    with DirtyService(database, *statements, resets=resets) as service:

        async def start() -> Handler:
            return service

        with serving(start, cancelling=True) as url:
            yield url


def leave_in_mid_hold(url: str, hold_ms: int) -> None:
    """A client that goes when its request has a connection; until nothing is handed out any more."""
    address = urlsplit(url)
    with Client(url) as client:

        def counted(name: str) -> int:
            return int(client.get(contract.STATS)[name])

        before = counted("acquired_total")
        with socket.create_connection((str(address.hostname), address.port or 0)) as leaver:
            leaver.sendall(f"GET {contract.QUERY}?hold_ms={hold_ms} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            until(lambda: counted("acquired_total") > before, "a connection that is held")
        until(lambda: counted("pool_used_size") == 0, "the end of its request")


def at_rest(url: str, application_name: str, database: Database, most_s: float) -> AuditCheck:
    """What the audit says of the service as it is now."""
    with Client(url) as client, Totals(OverHttp(client), application_name, database) as totals:
        reading = totals.read_at_rest(0, most_s)
    return rest(made.cell(load_s=0.0, counted=Counted(before=reading, after=reading)), ())


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (BEGUN, "1 connections are left idle in transaction: the service does not end it"),
        (FAILED, "1 connections are left idle in transaction: the service does not end it"),
        (LOCKED, "1 connections hold advisory locks at rest: the next request that is handed one holds them, too"),
        (TEMPORARY, "1 connections have temporary tables at rest: the next request that is handed one finds them"),
    ],
)
def test_a_connection_that_is_not_reset_is_named(
    database: Database, statements: tuple[tuple[str, ...], tuple[str, ...]], told: str
) -> None:
    with dirty(database, statements) as url:
        with Client(url) as client:
            client.get(contract.QUERY)
        tidy = at_rest(url, SERVICE, database, PATIENT_S)
        leave_in_mid_hold(url, UNTIL_CANCELLED_MS)
        left = at_rest(url, SERVICE, database, HASTY_S)

    assert (tidy.verdict, tidy.detail) == ("passed", "no request waits, nothing is handed out")
    assert (left.verdict, left.detail) == ("failed", told)


@pytest.mark.parametrize("statements", [BEGUN, FAILED, LOCKED, TEMPORARY])
def test_a_connection_that_is_reset_is_not_accused(
    database: Database, statements: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    with dirty(database, statements, resets=True) as url:
        leave_in_mid_hold(url, UNTIL_CANCELLED_MS)
        found = at_rest(url, SERVICE, database, PATIENT_S)

    assert (found.verdict, found.detail) == ("passed", "no request waits, nothing is handed out")


@pytest.mark.parametrize("tuning", ["equalised", "as_shipped"])
def test_the_services_are_not_accused(start: StartService, name: str, database: Database, tuning: str) -> None:
    service = start(tuning=tuning, pool_min_size=1, pool_max_size=1, pool_acquire_timeout=0.1)
    with Client(service.base_url) as client:
        for kind in ("sleep", "query"):
            client.exchange("POST", contract.CONFIG, f'{{"work_kind":"{kind}"}}')
            leave_in_mid_hold(service.base_url, 300)
        client.exchange("GET", f"{contract.NESTED}?hold_ms=1")
    found = at_rest(service.base_url, name, database, PATIENT_S)

    assert (found.verdict, found.detail) == ("passed", "no request waits, nothing is handed out")
