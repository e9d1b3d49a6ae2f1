"""Connections that a handler does not give back: what the service counts, the library does and PostgreSQL sees."""

from bench.postgres.database import Database, backends, connect
from bench.targets.process import LocalService
from services.common import contract
from services.stacks import STACKS
from tests.conftest import StartService
from tests.contract.asking import Answer, ask, at_rest, configure, held_at_once, stats
from tests.waiting import until

SIZE = 4


def leak(service: LocalService, how: str) -> Answer:
    return ask(service, f"{contract.QUERY_LEAK}?how={how}")


def recovers(service: LocalService, count: int, used: int) -> bool:
    """Whether `count` can be held at once by now; asked, because what is asked gives the collector its garbage."""
    for _ in range(30):
        ask(service, f"{contract.QUERY}?hold_ms=0")
    return held_at_once(service, count, used)


def test_leaks_stay_used_and_only_what_is_kept_can_be_given_back(
    start: StartService, name: str, database: Database
) -> None:
    service = start(pool_min_size=SIZE, pool_max_size=SIZE, pool_acquire_timeout=0.3, work_time_ms=0)

    kept, dropped, raised = (leak(service, how) for how in contract.HOWS)

    assert [kept.status, dropped.status, raised.status] == [200, 200, 500]
    assert kept.body["leaked"] is dropped.body["leaked"] is True
    assert raised.error == "leaked"
    counted = stats(service)
    assert (counted["pool_used_size"], counted["leaked_total"], counted["released_total"]) == (3, 3, 0)
    assert ask(service, contract.RELEASE_LEAKS, "POST").body == {"service": name, "released": 1}
    assert ask(service, contract.RELEASE_LEAKS, "POST").body == {"service": name, "released": 0}
    counted = at_rest(service, used=2)
    assert (counted["leaked_total"], counted["released_total"]) == (3, 1)

    with connect(database) as connection:
        becomes = STACKS[name].traits.dropped
        if becomes == "recovered":  # the collector finds what was dropped, and the pool makes another
            until(lambda: recovers(service, SIZE, used=2), "the two that were dropped are replaced")
            assert backends(connection, name).total == SIZE
        else:
            if becomes == "slot lost":  # the backend ends with its object, the slot is lost

                def gone() -> bool:
                    ask(service, f"{contract.QUERY}?hold_ms=0")  # gives the collector its garbage
                    return backends(connection, name).total == SIZE - 2

                until(gone, "the backends of the two that were dropped are gone")
            assert not recovers(service, SIZE - 1, used=2)
            assert held_at_once(service, SIZE - 2, used=2)
            if becomes == "slot and backend lost":  # the pool's own holder refers to it
                assert backends(connection, name).total == SIZE
    counted = at_rest(service, used=2)
    assert counted["acquired_total"] - counted["released_total"] == 2
    assert counted["abandoned_total"] == 0


def test_another_size_abandons_what_is_leaked(start: StartService, name: str, database: Database) -> None:
    service = start(pool_min_size=SIZE, pool_max_size=SIZE, pool_acquire_timeout=0.3, work_time_ms=0)
    for how in contract.HOWS:
        leak(service, how)

    assert configure(service, pool_max_size=3).status == 200
    old = stats(service)["draining"]
    assert old == [{"pool_max_size": SIZE, "used": 3, "waiting": 0}]
    assert held_at_once(service, 3, used=3)
    counted = at_rest(service)

    assert (counted["leaked_total"], counted["abandoned_total"], counted["pool_max_size"]) == (3, 3, 3)
    assert counted["acquired_total"] == counted["released_total"] + 3
    assert ask(service, contract.RELEASE_LEAKS, "POST").body["released"] == 0
    assert held_at_once(service, 3)
    with connect(database) as connection:

        def gone() -> bool:
            ask(service, f"{contract.QUERY}?hold_ms=0")  # gives the collector its garbage again
            return backends(connection, name).total == 3

        until(gone, "the backends of the old pool are gone")
