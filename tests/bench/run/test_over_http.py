"""A service over HTTP while a cell is played on it: how it is asked, and what is said where it does not answer."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from bench.run.conditions import Mismatch
from bench.run.executor import Subject
from bench.run.over_http import HttpExecutor
from bench.scenarios.catalogue import SCENARIOS
from bench.targets.process import ServiceDied
from bench.targets.url import Remote, RemoteService
from services.common import contract
from tests.bench import made
from tests.bench.check.fake_http import Handler, Reply, Request, serving
from tests.bench.check.fake_service import SERVICE, FakeService


class Anyone:
    """A target and a generator in one, of which a subject that plays no load needs next to nothing."""

    def __init__(self, url: str) -> None:
        self._service = RemoteService(Remote(name=SERVICE, base_url=url, found={"service": SERVICE}), {})

    def open(self, *_: object) -> Any:
        return nullcontext(self._service)

    def start(self) -> None:
        pass


@contextmanager
def opened(handler: Handler, *, hanging_up: bool = False) -> Iterator[Subject]:
    """The subject of a cell on a service that answers so."""

    async def start() -> Handler:
        return handler

    with serving(start, hanging_up=hanging_up) as url:
        anyone: Any = Anyone(url)
        asked = SCENARIOS["one"].at(100)
        with HttpExecutor(anyone, anyone).open(made.cell("one"), asked, {}, Path("/out")) as subject:
            yield subject


def test_a_service_that_has_closed_the_connection_meanwhile_is_asked_on_another() -> None:
    with opened(FakeService(), hanging_up=True) as subject:
        before, after = subject.told(), subject.told()

        assert after.at_s > before.at_s
        assert after.stats["acquired_total"] == before.stats["acquired_total"] == 0
        assert subject.settings()["service"] == SERVICE


class Unwilling(FakeService):
    """One that serves nothing."""

    async def __call__(self, request: Request) -> Reply:
        return (500, {}, b"no") if request.path == contract.QUERY else await super().__call__(request)


def test_a_service_that_does_not_answer_the_warm_up_is_named() -> None:
    with (
        opened(Unwilling()) as subject,
        pytest.raises(ServiceDied, match=r"^fake before the load: GET /api/query\?hold_ms=20 answered 500: no$"),
    ):
        subject.warm_up()


class InUse(FakeService):
    """One of whose connections another client never gives back."""

    async def __call__(self, request: Request) -> Reply:
        if request.path != contract.STATS:
            return await super().__call__(request)
        return 200, {}, b'{"pool_used_size": 1}'


def test_connections_that_are_not_given_back_after_the_warm_up_are_no_dead_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bench.run.over_http.SETTLE_TIMEOUT_S", 0)
    with opened(InUse()) as subject, pytest.raises(Mismatch, match=r"^1 of 5 connections are still in use 0 s "):
        subject.warm_up()
