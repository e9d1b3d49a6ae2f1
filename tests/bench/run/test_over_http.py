"""A service over HTTP while a cell is played on it: how it is asked, and what is said where it does not answer."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from bench.run.executor import Subject
from bench.run.over_http import HttpExecutor
from bench.scenarios.catalogue import SCENARIOS
from bench.targets.url import Remote, RemoteService
from tests.bench import made
from tests.bench.check.fake_http import Handler, serving
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
