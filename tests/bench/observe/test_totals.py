"""What a service and PostgreSQL have counted, from real ones; and what is read of a statement."""

import pytest

from bench.observe.totals import READS_ITEMS, OverHttp, Totals, at_rest, counted
from bench.postgres.database import Database
from bench.record.readings import Counted, Reading
from bench.targets.http import Client
from services.common import contract
from tests.conftest import StartService


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("SELECT id, name, price_cents FROM items WHERE id <= $1 ORDER BY id", True),
        ("select * from public.items", True),
        ('SELECT "items".id FROM "items" WHERE "items".id <= $1::INTEGER', True),
        ("SELECT id FROM items_old", False),
        ("INSERT INTO items (id) SELECT n FROM generate_series(1, 9) AS n", False),
        ("SELECT pid, state FROM pg_stat_activity", False),
    ],
)
def test_the_contract_s_statement_is_known_however_it_is_written(text: str, reads: bool) -> None:
    assert bool(READS_ITEMS.match(text)) is reads


@pytest.mark.parametrize("tuning", ["equalised", "as_shipped"])
def test_service_and_postgres_count_the_same(start: StartService, database: Database, tuning: str) -> None:
    service = start(tuning=tuning, work_time_ms=1)
    with (
        Client(service.base_url) as client,
        Totals(OverHttp(client), service.application_name, database) as totals,
    ):
        before = totals.read_at_rest(0, 10)
        for path in (contract.QUERY, contract.QUERY_PROPER, contract.NOOP, contract.QUERY):
            client.get(path)
        after = totals.read_at_rest(0, 10)
        in_force = totals.settings()

    assert after.acquired_total is not None
    assert before.acquired_total is not None
    assert after.reads is not None
    assert before.reads is not None
    assert (after.acquired_total - before.acquired_total, after.reads - before.reads) == (3, 3)
    assert (after.pool_used_size, after.waiting_requests) == (0, 0)
    assert (after.idle_in_transaction, after.locking, after.temporary) == (0, 0, 0)
    assert in_force["work_time_ms"] == 1


def test_without_a_database_postgres_is_not_known(start: StartService) -> None:
    service = start()
    with Client(service.base_url) as client, Totals(OverHttp(client), service.application_name, None) as totals:
        reading = totals.read()
    assert (reading.reads, reading.idle_in_transaction, reading.locking, reading.temporary) == (None,) * 4
    assert reading.acquired_total == 0


@pytest.mark.parametrize(
    ("reading", "rests"),
    [
        (Reading(at_s=0), True),
        (Reading(at_s=0, pool_used_size=1, idle_in_transaction=1, waiting_requests=0), True),
        (Reading(at_s=0, pool_used_size=2), False),
        (Reading(at_s=0, idle_in_transaction=2), False),
        (Reading(at_s=0, locking=2), False),
        (Reading(at_s=0, temporary=2), False),
        (Reading(at_s=0, waiting_requests=1), False),
    ],
)
def test_at_rest_is_nothing_but_the_one_that_leaked(reading: Reading, rests: bool) -> None:
    assert at_rest(reading, still_out=1) is rests


def test_readings_are_told_on_the_load_s_clock_with_settings_that_changed() -> None:
    before, after = Reading(at_s=100.0, reads=1), Reading(at_s=103.5, reads=2)
    assert counted(
        before, after, 101.0, {"work_time_ms": 5, "workers": 1}, {"work_time_ms": 6, "workers": 1}
    ) == Counted(before=Reading(at_s=-1.0, reads=1), after=Reading(at_s=2.5, reads=2), changed={"work_time_ms": 6})
