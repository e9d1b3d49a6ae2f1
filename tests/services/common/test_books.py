"""The books around acquire, work and release: what is raised, counted and timed on every way out."""

import asyncio
import logging
from contextlib import AbstractContextManager, ExitStack

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.common.books import Acquiring, Books, Releasing, Working, describe
from services.common.contract import Refusal, Refused, Timing
from services.common.ledger import Account, Totals, Wait
from services.common.metrics import Metrics
from services.common.tracing import Tracing
from tests.services.common.clock import Clock


class DatabaseError(Exception):
    """What this library raises when a connect or a statement fails."""


class NoConnection(Exception):
    """What it raises when a wait ends."""


@pytest.fixture
def books() -> Books:
    return Books("svc", Metrics("svc"), Tracing("svc"), (DatabaseError,), (NoConnection,))


def ask(books: Books, account: Account) -> Wait:
    wait = books.ledger.ask(account, 0, 1.0)
    assert wait
    return wait


def fail(block: AbstractContextManager[object], clock: Clock, after_s: float, error: BaseException) -> None:
    """Lets time pass in the block, and leaves it by an exception."""
    with block:
        clock.pass_(after_s)
        raise error


def observed(books: Books, histogram: str) -> tuple[float, float]:
    """Count and sum of a histogram."""
    text, _ = books.metrics.text(None)
    values = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }
    return values[f"{histogram}_count"], values[f"{histogram}_sum"]


def test_a_granted_acquire_is_timed_and_counted(books: Books, clock: Clock) -> None:
    timing, wait = Timing(), ask(books, Account(1))
    with Acquiring(books, wait, timing, 1.0):
        clock.pass_(0.5)

    assert timing == Timing(acquire_ms=500.0)
    assert wait.granted == clock.now
    assert books.totals() == Totals(1, 0, 0, 1, 0, 0, 0, 0, 0, 0.5, 0.0)
    assert observed(books, "db_pool_acquire_seconds") == (1, 0.5)


@pytest.mark.parametrize(
    ("error", "waited_s", "used", "meanwhile", "reason", "cause"),
    [
        (NoConnection(), 1.0, 2, None, "pool_exhausted", "all 2 connections were in use for 1 s"),
        (NoConnection(), 1.5, 2, "connects", "pool_exhausted", "all 2 connections were in use for 1 s"),
        (NoConnection(), 1.0, 1, "connects", "pool_growing", "the pool was still connecting after 1 s"),
        (NoConnection("slow"), 1.0, 1, "fails", "database_unavailable", "no connection to PostgreSQL: slow"),
        (NoConnection("slow"), 0.75, 2, None, "database_unavailable", "no connection to PostgreSQL: slow"),
        (DatabaseError("a\n b"), 0.25, 0, None, "database_unavailable", "no connection to PostgreSQL: a b"),
        (DatabaseError(), 2.0, 2, None, "database_unavailable", "no connection to PostgreSQL: DatabaseError"),
    ],
)
def test_a_refusal_says_what_was_the_matter(
    books: Books,
    clock: Clock,
    error: Exception,
    waited_s: float,
    used: int,
    meanwhile: str | None,
    reason: Refusal,
    cause: str,
) -> None:
    account, timing = Account(2), Timing()
    for _ in range(used):
        books.ledger.grant(ask(books, account))
    wait = ask(books, account)
    with ExitStack() as stack:
        if meanwhile == "connects":
            stack.enter_context(books.connecting())
        if meanwhile == "fails":
            with pytest.raises(OSError, match="down"), books.connecting():
                raise OSError("down")
        with pytest.raises(Refused) as refused:
            fail(Acquiring(books, wait, timing, 1.0), clock, waited_s, error)

    assert (refused.value.reason, str(refused.value)) == (reason, cause)
    assert refused.value.waited_s == waited_s
    assert refused.value.stage is None
    assert refused.value.__cause__ is error
    assert timing == Timing(acquire_ms=waited_s * 1000)
    assert observed(books, "db_pool_acquire_seconds") == (1, waited_s)
    totals = books.totals()
    late = isinstance(error, NoConnection) and waited_s >= 1
    assert (totals.timed_out_total, totals.failed_total) == (int(late), int(not late))
    assert (totals.waiting_requests, totals.pool_used_size) == (0, used)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), KeyboardInterrupt(), ValueError("a bug")])
def test_what_is_not_the_library_s_passes_and_the_wait_is_still_counted(
    books: Books, clock: Clock, error: BaseException
) -> None:
    timing, wait = Timing(), ask(books, Account(1))
    with pytest.raises(type(error)) as raised:
        fail(Acquiring(books, wait, timing, 1.0), clock, 0.25, error)

    assert raised.value is error
    assert timing == Timing(acquire_ms=250.0)
    assert books.totals() == Totals(0, 0, 0, 0, 0, 0, 1, 0, 0, 0.25, 0.0)
    assert observed(books, "db_pool_acquire_seconds") == (1, 0.25)


def held(books: Books, clock: Clock, seconds: float) -> Wait:
    wait = ask(books, Account(1))
    books.ledger.grant(wait)
    clock.pass_(seconds)
    return wait


def test_a_release_is_timed_apart_from_the_hold(books: Books, clock: Clock) -> None:
    timing, wait = Timing(), held(books, clock, 2)
    with Releasing(books, wait, timing):
        assert books.totals().pool_used_size == 0, "a waiter may be served before this release has ended"
        clock.pass_(0.5)

    assert timing == Timing(work_ms=2000.0, release_ms=500.0)
    assert wait.account.releasing == 0
    assert books.totals() == Totals(0, 0, 0, 1, 1, 0, 0, 0, 0, 0.0, 2.0)
    assert observed(books, "db_query_duration_seconds") == (1, 2.0)


@pytest.mark.parametrize("error", [DatabaseError("gone"), NoConnection("gone")])
def test_a_release_that_fails_is_logged_and_not_raised(
    books: Books, clock: Clock, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    timing, wait = Timing(), held(books, clock, 1)
    with caplog.at_level(logging.WARNING, "svc"), Releasing(books, wait, timing):
        clock.pass_(0.25)
        raise error

    assert caplog.messages == ["a connection was lost on its release: gone"]
    assert timing == Timing(work_ms=1000.0, release_ms=250.0)
    assert wait.account.releasing == 0
    assert books.totals().released_total == 1


@pytest.mark.parametrize("error", [asyncio.CancelledError(), ValueError("a bug")])
def test_a_release_that_is_cancelled_is_counted_and_passes(books: Books, clock: Clock, error: BaseException) -> None:
    timing, wait = Timing(), held(books, clock, 1)
    with pytest.raises(type(error)):
        fail(Releasing(books, wait, timing), clock, 0.25, error)

    assert timing == Timing(work_ms=1000.0, release_ms=250.0)
    assert wait.account.releasing == 0
    assert books.totals().pool_used_size == 0


def test_a_statement_that_fails_is_a_refusal_after_the_wait_that_it_had(books: Books, clock: Clock) -> None:
    timing, wait = Timing(acquire_ms=125.0), held(books, clock, 1)
    with pytest.raises(Refused) as refused, Working(books, wait, timing):
        raise DatabaseError("no such table")

    assert refused.value.reason == "database_unavailable"
    assert str(refused.value) == "a statement failed: no such table"
    assert refused.value.waited_s == 0.125
    assert books.totals().pool_used_size == 1, "what the handler holds it still has to give back"


def test_a_bug_in_the_work_stays_a_bug(books: Books, clock: Clock) -> None:
    with pytest.raises(ZeroDivisionError), Working(books, held(books, clock, 1), Timing()):
        raise ZeroDivisionError


def test_a_connect_is_timed_failed_or_not(books: Books, clock: Clock) -> None:
    with books.connecting():
        clock.pass_(0.5)
    with pytest.raises(DatabaseError):
        fail(books.connecting(), clock, 0.25, DatabaseError())

    assert observed(books, "db_pool_connect_seconds") == (2, 0.75)


def test_whoever_shows_the_gauges_is_told_after_each_acquire_and_release() -> None:
    seen: list[tuple[int, int]] = []

    def look() -> None:
        totals = told.totals()
        seen.append((totals.waiting_requests, totals.pool_used_size))

    told = Books("svc", Metrics("svc"), Tracing("svc"), (DatabaseError,), (NoConnection,), changed=look)
    account, timing = Account(1), Timing()
    wait = ask(told, account)
    with Acquiring(told, wait, timing, 1.0):
        pass
    refused = ask(told, account)
    with pytest.raises(Refused), Acquiring(told, refused, timing, 1.0):
        raise DatabaseError
    with Releasing(told, wait, timing):
        pass

    assert seen == [(0, 1), (0, 1), (0, 0)]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\n  two\tthree"), "one two three"),
        (TimeoutError(), "TimeoutError"),
        (OSError("x" * 999), "x" * 300),
    ],
)
def test_an_exception_in_one_line(error: Exception, line: str) -> None:
    assert describe(error) == line
