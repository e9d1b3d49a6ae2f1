"""A service that breaks the contract is named for what it breaks, and one that keeps it is not accused."""

import asyncio
import posixpath
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.check import Report, check
from bench.check.conformance import CHANGING, CLOSING, READING, name_of
from bench.errors import UserError
from services.common import contract
from tests.bench.check.fake_http import Handler, Reply, Request, serving
from tests.bench.check.fake_pool import Defect
from tests.bench.check.fake_service import FakeService

NAMED_BY: dict[Defect, tuple[str, ...]] = {
    "one too many": ("capacity",),
    "one too few": ("capacity",),
    "last come first served": ("first-come-first-served",),
    "short hold": ("hold-never-short", "work-kinds"),
    "short hold told as long": ("hold-never-short", "times-fit"),
    "proper holds short": ("query-proper",),
    "early timeout": ("timeout-never-early",),
    "late timeout": ("timeout-not-late",),
    "waiters uncounted": ("waiting-count", "metrics-equal-stats"),
    "waiters still counted": ("waiting-count",),
    "waits told as zero": ("waits-are-told", "integrals"),
    "waiter integral halved": ("integrals",),
    "200 for a timeout": ("refusals", "counts"),
    "wrong error": ("refusals", "growing"),
    "no Retry-After": ("refusals",),
    "rows missing": ("rows", "queries"),
    "settings ignored": ("settings-apply",),
    "unknown keys taken": ("malformed-configurations",),
    "half a patch taken": ("malformed-configurations",),
    "any page may change it": ("foreign-origins",),
    "health waits": ("health-while-exhausted",),
    "health waits at times": ("health-while-exhausted",),
    "noop takes a connection": ("noop-without-pool",),
    "noop takes a connection at times": ("noop-without-pool",),
    "noop slow and timeouts late": ("timeout-not-late",),
    "metrics of successes only": ("metrics-count-failures",),
    "counters appear late": ("metrics-from-zero",),
    "connections not reset": ("connections-reused",),
    "leak heals": ("leak-kept",),
    "leak uncounted": ("leak-dropped", "leak-exception"),
    "nested keeps the first": ("nested-exhausted",),
    "several keeps the first": ("several",),
    "several once": ("several",),
    "several blames the first": ("several-exhausted",),
    "resize fails waiters": ("resize-under-load",),
    "cpu ignored": ("work-kinds",),
    "HEAD taken for GET": ("wrong-methods",),
    "trailing slash taken": ("unknown-paths",),
    "no Server-Timing on errors": ("server-timing",),
}
"""Every check that must notice a defect."""

CANCELLING: frozenset[Defect] = frozenset({"connections not reset"})
"""Defects of a service that ends a request whose client has left."""

BEFORE = {
    "times-fit": ["queries", "hold-never-short"],
    "server-timing": ["queries", "unknown-paths", "wrong-methods", "malformed-queries"],
}
"""What must be asked before these can look back on it."""


def serve(*defects: Defect, workers: int = 1) -> Callable[[], Awaitable[Handler]]:
    async def start() -> Handler:
        return FakeService(*defects, workers=workers)

    return start


def failed(report: Report) -> dict[str, str]:
    return {result.name: result.detail for result in report.failed}


def skipped(report: Report) -> set[str]:
    return {result.name for result in report.results if result.verdict == "skipped"}


def test_service_that_keeps_the_contract_passes_every_check() -> None:
    heard: list[str] = []
    with serving(serve()) as url:
        report = check(url, on_progress=heard.append)

    assert failed(report) == {}
    assert skipped(report) == {"several-workers"}
    assert report.passed
    assert report.service == "fake"
    assert heard[0].startswith(f"1/{len(report.results)} ")
    assert all(result.detail and "\n" not in result.detail for result in report.results)


def test_service_that_ends_the_requests_of_clients_who_left_is_not_accused() -> None:
    with serving(serve(), cancelling=True) as url:
        report = check(url)

    assert failed(report) == {}
    assert skipped(report) == {"several-workers"}


def resolving(request: Request) -> str:
    """The path as nginx and others hand it on: without `..` and `//`, the trailing slash kept."""
    path = posixpath.normpath(request.path.replace("//", "/"))
    return path + "/" * (request.path.endswith("/") and path != "/")


@pytest.mark.parametrize("by_itself", [None, 400, 308])
@pytest.mark.parametrize("defects", [(), ("trailing slash taken",)])
def test_what_a_reverse_proxy_does_to_a_path_is_not_the_service_s(
    defects: tuple[Defect, ...], by_itself: int | None
) -> None:
    async def start() -> Handler:
        service = FakeService(*defects)

        async def proxy(request: Request) -> Reply:
            path = resolving(request)
            if by_itself and path != request.path:
                return by_itself, {"Content-Type": "text/html", "Location": path}, b"<html>"
            return await service(replace(request, path=path))

        return proxy

    with serving(start) as url:
        report = check(url, only=["queries", "unknown-paths", "wrong-methods", "malformed-queries", "server-timing"])

    assert list(failed(report)) == (["unknown-paths"] if defects else [])


@pytest.mark.parametrize("status", [200, 404, 500])
def test_path_that_means_something_else_is_named(status: int) -> None:
    async def start() -> Handler:
        service = FakeService()

        async def resolves_wrongly(request: Request) -> Reply:
            if ".." in request.path:
                return status, {"Content-Type": "application/json"}, b'{"status": "ok"}'
            return await service(request)

        return resolves_wrongly

    with serving(start) as url:
        (result,) = check(url, only=["unknown-paths"]).results

    assert (result.verdict, "/api/../health" in result.detail) == ("failed", True)


@pytest.mark.parametrize("defect", NAMED_BY)
def test_defect_is_named(defect: Defect) -> None:
    names = NAMED_BY[defect]
    with serving(serve(defect), cancelling=defect in CANCELLING) as url:
        report = check(url, only=[*(before for name in names for before in BEFORE.get(name, ())), *names])

    assert not report.passed
    assert failed(report).keys() == set(names), report


@pytest.mark.parametrize("defect", ["waiters uncounted", "one too many", "leak heals", "health waits"])
def test_order_of_a_queue_that_cannot_be_seen_is_not_judged(defect: Defect) -> None:
    """A gauge that lies, or a pool that is not full, is another check's to name."""
    with serving(serve(defect)) as url:
        (order,) = check(url, only=["first-come-first-served"]).results

    assert order.verdict == ("passed" if defect == "health waits" else "skipped")
    assert order.detail


def test_one_defect_does_not_stop_or_spoil_the_other_checks() -> None:
    with serving(serve("half a patch taken")) as url:
        report = check(url)

    assert list(failed(report)) == ["malformed-configurations"]
    assert skipped(report) == {"several-workers"}


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md"])
def test_pages_say_how_many_checks_there_are(page: str) -> None:
    text = (Path(__file__).parents[3] / page).read_text()
    written = re.sub("<!-- results:begin -->.*<!-- results:end -->", "", text, flags=re.DOTALL)  # an audit has others
    said = re.findall(r"(\d+) (?:black-box )?checks\b", written)

    assert set(said) == {str(len((*READING, *CHANGING, *CLOSING)))}


def test_what_is_changed_is_put_back() -> None:
    async def start() -> Handler:
        return service

    service = FakeService()
    service.shown = service.shown.changed({"work_time_ms": 77, "pool_max_size": 4})
    service.pool.reconfigure(service.shown)
    found = service.shown
    with serving(start) as url:
        check(url, only=["round-trip", "capacity", "restored"])

    assert service.shown == found


def test_of_several_workers_only_what_one_answer_can_tell_is_judged() -> None:
    with serving(serve(workers=3)) as url:
        report = check(url)

    assert failed(report) == {}
    assert skipped(report) == {name_of(one) for one in CHANGING}
    assert "409 with 3" in next(one.detail for one in report.results if one.name == "several-workers")


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost", "http://", "http://localhost:99999", ""])
def test_address_that_is_none_is_wrong_use(url: str) -> None:
    with pytest.raises(UserError, match="http://host:port"):
        check(url)


def test_address_where_nobody_listens_is_wrong_use() -> None:
    with serving(serve()) as url:
        pass
    with pytest.raises(UserError, match="start the service"):
        check(url)


def test_another_service_is_wrong_use() -> None:
    async def start() -> Handler:
        async def anything(_: object) -> tuple[int, dict[str, str], bytes]:
            return 200, {"Content-Type": "text/html"}, b"<html>"

        return anything

    with serving(start) as url, pytest.raises(UserError, match="no service of this contract"):
        check(url)


def test_check_that_nobody_knows_is_wrong_use() -> None:
    with pytest.raises(UserError, match="no check is called nope"):
        check("http://127.0.0.1:1", only=["nope"])


def test_service_that_dies_fails_one_check_and_leaves_the_others_open() -> None:
    async def start() -> Handler:
        service, died = FakeService(), asyncio.Event()

        async def until_it_is_asked_for_more(request: Request) -> Reply:
            if died.is_set() or request.path == contract.OPENAPI:
                died.set()
                raise ConnectionError
            return await service(request)

        return until_it_is_asked_for_more

    with serving(start) as url:
        report = check(url, only=["health", "openapi", "rows", "capacity"])

    assert [(result.name, result.verdict) for result in report.results] == [
        ("health", "passed"),
        ("openapi", "failed"),
        ("rows", "skipped"),
        ("capacity", "skipped"),
    ]
    assert report.results[-1].detail == "the service answers no more, since openapi"
