"""Services that run elsewhere: what is taken, what is refused in one line, and what is left as it was."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from bench.errors import UserError
from bench.postgres.database import Database
from bench.run.elsewhere import elsewhere, planned
from bench.run.matrix import planned_cells, unfit_for
from bench.targets.http import Client
from bench.targets.process import LocalService, free_port
from bench.targets.target import Target
from bench.targets.url import Remote
from bench.targets.where import LOCAL, Where, where
from services.common import contract
from services.common.settings import Config
from services.stacks import usual
from tests.bench import made
from tests.bench.check.fake_http import Handler, Reply, serving
from tests.bench.check.fake_service import FakeService

HOST = "http://127.0.0.1"


class Traced(FakeService):
    """One with tracing on."""

    def _config(self) -> dict[str, object]:
        return super()._config() | {"tracing": True}


def serve(service: FakeService) -> Callable[[], Awaitable[Handler]]:
    async def start() -> Handler:
        return service

    return start


def refusal(place: Where, tuning: str = "equalised", database_url: str | None = None) -> str:
    """The one line, and nothing said before it."""
    said: list[str] = []
    with pytest.raises(UserError) as refused, elsewhere(place, tuning, database_url, said.append):
        pass
    assert said == []
    assert "\n" not in str(refused.value)
    return str(refused.value)


def remote(*addresses: tuple[str | None, str]) -> Where:
    return Where("remote", addresses)


@pytest.mark.parametrize(
    ("target", "services", "place"),
    [
        (None, (), LOCAL),
        ("local", ("psycopg_flask",), LOCAL),
        (
            "compose",
            (),
            Where(
                "compose",
                (
                    ("asyncpg_fastapi", f"{HOST}:8000"),
                    ("psycopg_flask", f"{HOST}:8001"),
                    ("sqlalchemy_fastapi", f"{HOST}:8002"),
                ),
            ),
        ),
        ("compose", ("psycopg_flask",), Where("compose", (("psycopg_flask", f"{HOST}:8001"),))),
        ("http://host:8000/", (), remote((None, "http://host:8000"))),
        (None, ("asyncpg_fastapi=http://host:8000",), remote(("asyncpg_fastapi", "http://host:8000"))),
        (
            "http://host:8000",
            ("mine=http://host:8000/", "other=http://host:8010"),
            remote(("mine", "http://host:8000"), ("other", "http://host:8010")),
        ),
        (
            "http://host:8000",
            ("other=http://host:8010",),
            remote((None, "http://host:8000"), ("other", "http://host:8010")),
        ),
    ],
)
def test_where_a_run_takes_place(target: str | None, services: tuple[str, ...], place: Where) -> None:
    assert where(target, services, [stack.name for stack in usual()]) == place


def test_a_service_is_taken_with_what_it_says_of_itself_and_left_as_it_was() -> None:
    service = FakeService()
    before, said = service.shown, list[str]()

    def interrupted(url: str) -> None:
        with elsewhere(remote((None, url)), "equalised", None, said.append) as target:
            assert (target.database, target.local, list(target.remote)) == (None, False, ["fake"])
            plan = planned(made.plan(), "remote", target)
            assert plan == made.plan(services=("fake",), target="remote", urls={"fake": url})
            with target.open("fake", before.model_dump() | {"pool_max_size": 3, "work_time_ms": 9}):
                assert service.shown.pool_max_size == 3
            assert service.shown.work_time_ms == 9
            raise KeyboardInterrupt

    with serving(serve(service)) as url:
        with pytest.raises(KeyboardInterrupt):
            interrupted(url)
        assert service.shown == before
    assert said == ["fake: what can be read without harm is as the contract says; bench check URL proves the rest"]


def test_only_what_is_harmless_is_asked_before_the_run() -> None:
    service = FakeService()
    with serving(serve(service)) as url:
        pool, config = service.pool.current, service.shown
        with elsewhere(remote((None, url)), "equalised", None, lambda _: None):
            assert (service.pool.current, service.shown) == (pool, config)
            counted = service.pool.ledger.totals()
    assert (counted.timed_out_total, counted.leaked_total) == (0, 0)
    assert (counted.acquired_total, counted.released_total) == (2, 2)


def test_what_cannot_be_put_back_is_said() -> None:
    said = list[str]()
    with ExitStack() as later, serving(serve(FakeService())) as url:
        later.enter_context(elsewhere(remote(("mine", url)), "equalised", None, said.append))
    assert said[1].startswith("mine is not as it was found: ")


def test_another_tuning_is_refused_with_both_ways_out() -> None:
    service = FakeService()
    service.shown = Config(tuning="as_shipped")
    with serving(serve(service)) as url:
        assert refusal(remote(("mine", url))) == (
            "mine: tuning is as_shipped there and equalised was asked for: start the service with TUNING=equalised, "
            "or run with --tuning as_shipped"
        )
        with elsewhere(remote(("mine", url)), "as_shipped", None, lambda _: None):
            pass


def test_several_workers_are_refused() -> None:
    with serving(serve(FakeService(workers=3))) as url:
        assert refusal(remote((None, url))) == (
            "fake has 3 worker processes, and what it says is of one of them: start it with WORKERS=1"
        )


def test_tracing_that_is_on_in_some_is_refused_and_recorded_where_it_is_on_in_all() -> None:
    with serving(serve(FakeService())) as plain, serving(serve(Traced())) as traced:
        assert refusal(remote(("a", plain), ("b", traced))) == (
            "tracing costs time, and is on in b and off in a: make it alike, or run each alone"
        )
        with elsewhere(remote(("b", traced)), "equalised", None, lambda _: None) as target:
            assert planned(made.plan(), "remote", target).tracing


def test_a_service_that_breaks_the_contract_is_refused() -> None:
    with serving(serve(FakeService("rows missing"))) as url:
        text = refusal(remote((None, url)))
    assert text.startswith(
        f"{url} does not keep the contract in queries: GET /api/query?hold_ms=1 → 200: rows_returned"
    )
    assert text.endswith(f"; bench check {url} says more")


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>"), (404, b'{"detail": "Not Found"}'), (200, b'{"a": 1}')])
def test_another_service_is_refused(status: int, body: bytes) -> None:
    async def start() -> Handler:
        async def anything(_: object) -> Reply:
            return status, {"Content-Type": "application/json"}, body

        return anything

    with serving(start) as url:
        text = refusal(remote((None, url)))
    assert url in text
    assert "no service of this contract" in text


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("compose", "docker compose up -d, or take other services with -s"),
        ("remote", "start the service, or correct the address"),
    ],
)
def test_where_nothing_answers_it_is_said_what_to_start(kind: Any, hint: str) -> None:
    url = f"{HOST}:{free_port()}"
    assert refusal(Where(kind, (("asyncpg_fastapi", url),))) == f"nothing answers on {url}: {hint}"


def test_a_service_is_not_called_by_the_name_of_another() -> None:
    with serving(serve(FakeService())) as url:
        assert refusal(Where("compose", (("psycopg_flask", url),))).startswith(f"{url} is fake, not psycopg_flask: ")


def test_two_services_need_two_names() -> None:
    with serving(serve(FakeService())) as one, serving(serve(FakeService())) as other:
        expected = "2 services are called fake: give each a name of its own, -s NAME=URL"
        assert refusal(remote((None, one), ("fake", other))) == expected
        assert refusal(remote(("fake", one), ("fake", one))) == expected
        with elsewhere(remote(("a", one), ("b", other)), "equalised", None, lambda _: None) as target:
            assert list(target.remote) == ["a", "b"]


def test_a_database_in_which_nobody_is_connected_is_another_one(database: Database) -> None:
    with serving(serve(FakeService())) as url:
        text = refusal(remote((None, url)), database_url=database.dsn)
    hint = "give the PostgreSQL that is used there, or leave --database-url out"
    assert text == f"no connection of fake is in {database}: {hint}"


def test_connections_are_found_in_the_database_that_is_given(database: Database) -> None:
    with (
        serving(serve(FakeService())) as fake,
        LocalService("asyncpg_fastapi", database) as one,
        LocalService("asyncpg_fastapi", database) as same,
        LocalService("psycopg_flask", database) as other,
    ):
        place = remote(("a", one.base_url), ("b", same.base_url), (None, other.base_url), (None, fake))
        said = list[str]()
        with elsewhere(place, "equalised", database.dsn, said.append) as target:
            found = {name: (at.same_database, at.alone) for name, at in target.remote.items()}

    assert target.database == database
    assert found == {"a": (True, False), "b": (True, False), "psycopg_flask": (True, True), "fake": (False, True)}
    assert said[0] == (
        f"no connection of fake is in {database}: PostgreSQL's own view is missing, "
        "and scenarios that load its CPU or cut connections are skipped"
    )


@pytest.mark.parametrize("answers", [True, False])
def test_the_database_of_compose_is_a_bonus(answers: bool, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it answers, it may still be another one."""
    for name, value in database.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("POSTGRES_PORT", str(database.port if answers else free_port()))
    said = list[str]()
    with (
        serving(serve(FakeService())) as url,
        elsewhere(Where("compose", (("mine", url),)), "equalised", None, said.append) as target,
    ):
        assert target.database is None
    assert len(said) == 2
    assert said[0].startswith("no connection of mine is in" if answers else "no PostgreSQL answers on 127.0.0.1:")


def test_what_loads_the_database_s_cpu_needs_that_database(database: Database) -> None:
    def target(known: Database | None, *, same: bool) -> Target:
        shown = {"service": "asyncpg_fastapi", "threads": None}
        at = Remote(name="asyncpg_fastapi", base_url=HOST, found=shown, same_database=same)
        return Target(known, local=False, remote={at.name: at})

    cpu, sleep = made.cell("burst-timeout-cpu"), made.cell("burst-timeout")

    assert target(None, same=False).unfit(sleep) is None
    assert target(None, same=False).unfit(cpu) == "needs --database-url: its work is calibrated on the database"
    assert str(database) in str(target(database, same=False).unfit(cpu))
    assert target(database, same=True).unfit(cpu) is None
    assert Target(database, local=True).unfit(cpu) is None


def test_what_a_library_ships_goes_by_what_the_service_is() -> None:
    at = Remote(name="mine", base_url=HOST, found={"service": "sqlalchemy_fastapi"})
    target = Target(None, local=False, remote={"mine": at})

    (cell,) = planned_cells(made.plan(services=("mine",), tuning="as_shipped"), target.stack)

    assert (cell.service, cell.pool_size, cell.capacity) == ("mine", 5, 15)


def test_the_real_services_are_taken_as_they_are(name: str, start: Any) -> None:
    service = start(pool_min_size=1, pool_max_size=3)
    with Client(service.base_url) as client:
        before = client.get(contract.CONFIG)
        with elsewhere(remote((None, service.base_url)), "equalised", None, lambda _: None) as target:
            assert list(target.remote) == [name]
            with target.open(name, before | {"pool_min_size": 2, "pool_max_size": 2}) as opened:
                assert opened.base_url == service.base_url
                assert client.get(contract.STATS)["pool_size"] == 2
        assert client.get(contract.CONFIG) == before


def test_an_outage_needs_what_it_strikes_within_reach(database: Database) -> None:
    def target(known: Database | None, *, same: bool = True, alone: bool = True) -> Target:
        shown = {"service": "asyncpg_fastapi", "threads": None}
        at = Remote(name="asyncpg_fastapi", base_url=HOST, found=shown, same_database=same, alone=alone)
        return Target(known, local=False, remote={at.name: at})

    killed, frozen = made.cell("outage-killed"), made.cell("outage-frozen")
    not_ours = "it freezes the database, and this run has not started that PostgreSQL: play it on the embedded one"

    assert target(None, same=False).unfit(killed) == "needs --database-url: its connections are ended from the database"
    assert str(database) in str(target(database, same=False).unfit(killed))
    assert "whose connections would be ended with its own" in str(target(database, alone=False).unfit(killed))
    assert target(database).unfit(killed) is None
    assert target(database).unfit(frozen) == not_ours
    given = Target(database, local=False)
    assert (given.unfit(killed), given.unfit(frozen)) == (None, not_ours)
    for layer in ("http", "pool"):
        assert unfit_for(replace(made.plan(), layer=layer), given, frozen) == not_ours
