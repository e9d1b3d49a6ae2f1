"""A service elsewhere: a new pool with the settings of a cell, no leak left behind, and as it was found in the end."""

from collections.abc import Iterator
from typing import Any

import pytest

from bench.errors import UserError
from bench.targets.http import Client, ServiceError, address
from bench.targets.process import ServiceDied
from bench.targets.url import Remote, RemoteService, rest, restore
from services.common import contract
from services.common.settings import Config
from tests.bench.check.fake_http import Handler, serving
from tests.bench.check.fake_service import FakeService
from tests.waiting import until

SETTINGS = {
    "work_time_ms": 10,
    "work_kind": "query",
    "work_units": 7,
    "pool_acquire_timeout": 0.2,
    "pool_min_size": 5,
    "pool_max_size": 5,
    "tuning": "equalised",
    "threads": 13,
}


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def url(service: FakeService) -> Iterator[str]:
    async def start() -> Handler:
        return service

    with serving(start) as url:
        yield url


def found(url: str) -> Remote:
    with Client(url) as client:
        return Remote(name="mine", base_url=url, found=client.get(contract.CONFIG))


def ask(url: str, path: str) -> int:
    with Client(url) as client:
        return client.exchange("GET", path)[0]


def stats(url: str) -> dict[str, Any]:
    with Client(url) as client:
        return client.get(contract.STATS)


def test_a_cell_gets_its_settings_and_a_pool_that_has_served_nobody(service: FakeService, url: str) -> None:
    remote = found(url)
    with RemoteService(remote, SETTINGS):
        first = service.pool.current
        asked = {name: value for name, value in SETTINGS.items() if name != "threads"}
        assert service.shown == Config.model_validate(asked)
    with RemoteService(remote, SETTINGS) as second:
        assert service.pool.current is not first
        assert (second.name, second.base_url, second.alive, second.usage(), second.processes()) == (
            "mine",
            url,
            True,
            None,
            [],
        )


def test_a_pool_of_one_is_made_anew_too(service: FakeService, url: str) -> None:
    settings = SETTINGS | {"pool_min_size": 1, "pool_max_size": 1}
    with RemoteService(found(url), settings):
        first = service.pool.current
    with RemoteService(found(url), settings):
        assert service.pool.current is not first
        assert service.shown.pool_max_size == 1


@pytest.mark.parametrize("how", contract.HOWS)
def test_what_leaked_in_a_cell_is_gone_when_it_is_left(url: str, how: str) -> None:
    with RemoteService(found(url), SETTINGS):
        for _ in range(3):
            ask(url, f"{contract.QUERY_LEAK}?how={how}")
        assert stats(url)["pool_used_size"] == 3

    now = stats(url)
    assert (now["pool_used_size"], "draining" in now) == (0, False)


def test_what_leaked_before_the_run_is_no_part_of_it(url: str) -> None:
    with Client(url) as client:
        client.post(contract.CONFIG, {"pool_acquire_timeout": 0.1})
    ask(url, f"{contract.QUERY_LEAK}?how=dropped")

    with RemoteService(found(url), SETTINGS):
        assert stats(url)["pool_used_size"] == 0


def test_a_service_that_somebody_else_uses_is_not_at_rest(service: FakeService, url: str) -> None:
    ask(url, f"{contract.QUERY_LEAK}?how=kept")
    with Client(url) as client:
        with pytest.raises(ServiceError, match=r"not at rest after 0 s \(in use 1\): end what else uses it"):
            rest(client, most_s=0)
        client.post(contract.RELEASE_LEAKS)
        rest(client, most_s=0)


def test_the_configuration_that_was_found_is_in_force_again(service: FakeService, url: str) -> None:
    with Client(url) as client:
        client.post(contract.CONFIG, {"work_time_ms": 77, "pool_min_size": 1, "pool_max_size": 4})
    remote, before = found(url), service.shown
    RemoteService(remote, SETTINGS).__enter__()
    ask(url, f"{contract.QUERY_LEAK}?how=kept")

    restore(remote)  # as after a Ctrl-C in the middle

    assert service.shown == before
    until(lambda: stats(url)["pool_used_size"] == 0, "nothing leaked")


def test_leaks_that_nobody_can_give_back_go_with_a_pool_of_the_same_size(service: FakeService, url: str) -> None:
    with Client(url) as client:
        client.post(contract.CONFIG, {"pool_acquire_timeout": 0.1})
    remote = found(url)
    ask(url, f"{contract.QUERY_LEAK}?how=dropped")

    restore(remote)

    assert service.shown == Config.model_validate({**service.shown.model_dump(), "pool_acquire_timeout": 0.1})
    until(lambda: stats(url)["pool_used_size"] == 0, "the leaked one closed with its pool")


def test_a_service_that_was_not_touched_keeps_its_pool(service: FakeService, url: str) -> None:
    before = service.pool.current

    restore(found(url))

    assert service.pool.current is before


def test_a_service_that_answers_no_more_is_a_failure_of_the_cell(service: FakeService) -> None:
    async def start() -> Handler:
        return service

    with serving(start) as url:
        left = RemoteService(found(url), SETTINGS)
        left.__enter__()

    with pytest.raises(ServiceDied, match="mine after the load: "):
        left.__exit__(None, None, None)
    left.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)  # hides no other reason to leave


def test_postgres_is_asked_for_connections_only_where_they_can_be_told_apart() -> None:
    def name(**known: bool) -> str | None:
        remote = Remote(name="mine", base_url="http://there", found={"service": "asyncpg_fastapi"}, **known)
        return RemoteService(remote, {}).application_name

    assert name(same_database=True) == "asyncpg_fastapi"
    assert name(same_database=False) is None
    assert name(same_database=True, alone=False) is None


@pytest.mark.parametrize("url", ["http://host", "https://host:8443", "http://127.0.0.1:8000", "http://[::1]:80/below"])
def test_an_address_is_taken_without_its_last_slash(url: str) -> None:
    assert address(f"{url}/") == address(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "host:8000",
        "ftp://host",
        "http://",
        "http://host:0",
        "http://host:99999",
        "http://me:pw@host",
        "http://h/?a=b",
        "",
    ],
)
def test_what_is_no_address_says_how_to_write_one(url: str) -> None:
    with pytest.raises(UserError, match=r"is no address: write it as http://host:port$"):
        address(url)


def test_a_service_may_lie_below_a_path(service: FakeService) -> None:
    async def start() -> Handler:
        async def below(request: Any) -> Any:
            assert request.path.startswith("/below/")
            return await service(type(request)(**vars(request) | {"path": request.path.removeprefix("/below")}))

        return below

    with serving(start) as url, Client(f"{url}/below") as client:
        assert client.get(contract.HEALTH) == {"status": "ok", "service": "fake"}


def test_an_answer_that_is_no_object_is_an_error_of_the_service() -> None:
    async def start() -> Handler:
        async def page(_: object) -> tuple[int, dict[str, str], bytes]:
            return 200, {}, b"<html>"

        return page

    with serving(start) as url, Client(url) as client, pytest.raises(ServiceError, match="no JSON object: <html>"):
        client.get(contract.STATS)
