"""Counts, totals and integrals of the ledger, by a clock that is turned by hand."""

import pytest

from services.common.contract import Refusal
from services.common.ledger import Account, Ledger, Totals, Wait
from tests.services.common.clock import Clock

NOTHING = Totals(0, 0, 0, 0, 0, 0, 0, 0, 0, 0.0, 0.0)


def ask(ledger: Ledger, account: Account, hold_ms: int = 0, acquire_timeout_s: float = 10) -> Wait:
    wait = ledger.ask(account, hold_ms, acquire_timeout_s)
    assert wait
    return wait


def granted(ledger: Ledger, account: Account) -> Wait:
    wait = ask(ledger, account)
    ledger.grant(wait)
    return wait


def give_back(ledger: Ledger, wait: Wait) -> None:
    ledger.give_back(wait.account)
    ledger.released(wait.account)


def fail_to_connect(ledger: Ledger) -> None:
    with pytest.raises(OSError, match="refused"), ledger.connecting(lambda _: None):
        raise OSError("refused")


def test_a_new_ledger_has_counted_nothing(clock: Clock) -> None:
    clock.pass_(5)

    assert Ledger().totals() == NOTHING


def test_one_request_from_asking_to_giving_back(clock: Clock) -> None:
    ledger, account = Ledger(), Account(1)

    wait = ask(ledger, account)
    clock.pass_(0.25)
    assert ledger.totals() == Totals(0, 1, 0, 0, 0, 0, 0, 0, 0, 0.25, 0.0)
    assert ledger.grant(wait) == 0.25
    assert wait.granted == clock.now
    clock.pass_(2)
    assert ledger.totals() == Totals(1, 0, 0, 1, 0, 0, 0, 0, 0, 0.25, 2.0)
    assert ledger.give_back(account) == clock.now
    clock.pass_(8)
    ledger.released(account)

    assert ledger.totals() == Totals(0, 0, 0, 1, 1, 0, 0, 0, 0, 0.25, 2.0)


def test_the_integrals_are_the_sums_of_overlapping_waits_and_holds(clock: Clock) -> None:
    ledger, account = Ledger(), Account(1)
    first, second, third = (ask(ledger, account) for _ in range(3))
    clock.pass_(0.5)
    ledger.grant(first)  # waited 0.5
    clock.pass_(1)
    give_back(ledger, first)  # held 1
    ledger.grant(second)  # waited 1.5
    clock.pass_(0.25)
    ledger.refuse(third, timed_out=True)  # waited 1.75
    clock.pass_(4)
    give_back(ledger, second)  # held 4.25
    clock.pass_(100)

    assert ledger.totals() == Totals(0, 0, 0, 2, 2, 1, 0, 0, 0, 3.75, 5.25)


def test_a_leak_stays_used_for_good(clock: Clock) -> None:
    ledger, account = Ledger(), Account(2)
    granted(ledger, account)
    ledger.leak(account)
    clock.pass_(3)

    assert ledger.totals() == Totals(1, 0, 0, 1, 0, 0, 0, 1, 0, 0.0, 3.0)


def test_a_leak_that_is_found_is_given_back_as_any_other(clock: Clock) -> None:
    ledger, account = Ledger(), Account(2)
    wait = granted(ledger, account)
    ledger.leak(account)
    clock.pass_(3)
    ledger.found(account)
    give_back(ledger, wait)

    assert ledger.totals() == Totals(0, 0, 0, 1, 1, 0, 0, 1, 0, 0.0, 3.0)
    assert (account.used, account.leaked) == (0, 0)


@pytest.mark.parametrize(
    ("timed_out", "handed_out", "connect_failed", "reason"),
    [
        (True, 2, False, "pool_exhausted"),
        (True, 2, True, "pool_exhausted"),
        (True, 1, True, "database_unavailable"),
        (False, 2, False, "database_unavailable"),
        (False, 0, False, "database_unavailable"),
        (False, 0, True, "database_unavailable"),
    ],
)
def test_what_was_the_matter(timed_out: bool, handed_out: int, connect_failed: bool, reason: Refusal) -> None:
    ledger, account = Ledger(), Account(2)
    for _ in range(handed_out):
        granted(ledger, account)
    wait = ask(ledger, account)
    if connect_failed:
        fail_to_connect(ledger)

    assert ledger.refuse(wait, timed_out=timed_out)[1] == reason
    totals = ledger.totals()
    assert (totals.timed_out_total, totals.failed_total) == (int(timed_out), int(not timed_out))
    assert totals.waiting_requests == 0


def test_a_pool_that_still_connects_is_growing() -> None:
    ledger, account = Ledger(), Account(2)
    wait = ask(ledger, account)
    with ledger.connecting(lambda _: None):
        assert ledger.refuse(wait, timed_out=True)[1] == "pool_growing"


def test_a_pool_that_does_not_connect_is_not_growing() -> None:
    ledger, account = Ledger(), Account(1)
    holder = granted(ledger, account)
    wait = ask(ledger, account)
    ledger.give_back(holder.account)  # the deadline falls into the holder's release

    assert ledger.refuse(wait, timed_out=True)[1] != "pool_growing"


def test_a_connect_that_failed_before_the_wait_is_not_its_matter() -> None:
    ledger, account = Ledger(), Account(2)
    fail_to_connect(ledger)
    wait = ask(ledger, account)
    with ledger.connecting(lambda _: None):
        assert ledger.refuse(wait, timed_out=True)[1] == "pool_growing"


def test_connects_are_counted_while_they_last_and_timed_failed_or_not(clock: Clock) -> None:
    ledger = Ledger()
    observed: list[float] = []

    def interrupted() -> None:
        with ledger.connecting(observed.append):
            assert ledger.totals().pool_connecting == 2
            clock.pass_(0.25)
            raise KeyboardInterrupt

    with ledger.connecting(observed.append):
        clock.pass_(0.5)
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert ledger.totals().pool_connecting == 1

    assert observed == [0.25, 0.75]
    assert ledger.totals() == NOTHING


def test_an_account_is_closed_only_when_nobody_needs_it() -> None:
    ledger, account = Ledger(), Account(1)
    wait = ask(ledger, account)
    assert ledger.close(account) is None, "a waiter"
    ledger.grant(wait)
    assert ledger.close(account) is None, "a holder"
    ledger.give_back(account)
    assert ledger.close(account) is None, "a release under way"
    ledger.released(account)

    assert ledger.close(account) == 0
    assert ledger.close(account) == 0, "closed already"
    assert ledger.ask(account, 0, 10) is None
    assert ledger.totals().waiting_requests == 0


def test_a_leak_is_abandoned_when_everybody_could_have_been_done(clock: Clock) -> None:
    ledger, account = Ledger(), Account(3)
    for hold_ms, acquire_timeout_s in ((500, 1), (2000, 4), (0, 1)):
        ledger.grant(ask(ledger, account, hold_ms, acquire_timeout_s))
        ledger.leak(account)
    clock.pass_(5.75)
    assert ledger.close(account) is None
    clock.pass_(0.25)  # the second: acquire timeout of 4 s and a hold of 2 s

    assert ledger.close(account) == 3
    assert ledger.totals() == Totals(0, 0, 0, 3, 0, 0, 0, 3, 3, 0.0, 18.0)


def test_a_handler_that_takes_longer_than_it_said_is_waited_for(clock: Clock) -> None:
    ledger, account = Ledger(), Account(2)
    holder, _ = granted(ledger, account), granted(ledger, account)
    ledger.leak(account)
    clock.pass_(1000)
    assert ledger.close(account) is None
    give_back(ledger, holder)

    assert ledger.close(account) == 1


def test_force_asks_nobody_and_touches_no_other_account(clock: Clock) -> None:
    ledger, old, new = Ledger(), Account(3), Account(3)
    late, _, other = granted(ledger, old), granted(ledger, old), granted(ledger, new)
    clock.pass_(1)

    assert ledger.close(old, force=True) == 2
    assert ledger.close(old, force=True) == 0
    clock.pass_(0.5)
    give_back(ledger, late)  # its handler ends later, and changes nothing any more
    give_back(ledger, other)

    assert ledger.totals() == Totals(0, 0, 0, 3, 1, 0, 0, 0, 2, 0.0, 3.5)
    assert ledger.ask(old, 0, 10) is None


def test_a_waiter_of_a_pool_that_was_closed_by_force_is_refused_and_counted(clock: Clock) -> None:
    ledger, account = Ledger(), Account(1)
    wait = ask(ledger, account)
    ledger.close(account, force=True)
    clock.pass_(2)

    assert ledger.refuse(wait, timed_out=False) == (2.0, "database_unavailable")
    assert ledger.totals() == Totals(0, 0, 0, 0, 0, 0, 1, 0, 0, 2.0, 0.0)


def test_a_connection_granted_by_a_closed_pool_is_abandoned_at_once(clock: Clock) -> None:
    ledger, account = Ledger(), Account(1)
    wait = ask(ledger, account)
    ledger.close(account, force=True)
    ledger.grant(wait)  # asyncpg and SQLAlchemy still serve who waits while the pool closes
    clock.pass_(1)
    give_back(ledger, wait)

    assert ledger.totals() == Totals(0, 0, 0, 1, 0, 0, 0, 0, 1, 0.0, 0.0)
