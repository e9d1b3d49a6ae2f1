"""What holds of the ledger after any sequence of moments that a service can bring about."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from services.common.ledger import Account, Ledger, Wait
from tests.services.common.clock import Clock, turned_by_hand


class Service(RuleBasedStateMachine):
    """Handlers, pools and a clock; beside the ledger, the plain lists that it must agree with."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.clock: Clock = turned_by_hand(self.patch)
        self.ledger = Ledger()
        self.current = Account(3)
        self.old: list[Account] = []
        self.waits: list[Wait] = []
        self.holders: list[Wait] = []
        self.late: list[Wait] = []
        """Handlers whose pool was closed by force: they are abandoned, and do not know it."""
        self.releasing: list[Account] = []
        self.leaked: list[Wait] = []
        self.done_by: dict[Account, float] = {}
        self.waited_s = self.held_s = 0.0
        self.abandoned = 0

    def teardown(self) -> None:
        self.patch.undo()

    @rule(quarters=st.integers(0, 40))
    def time_passes(self, quarters: int) -> None:
        self.clock.pass_(quarters / 4)

    @rule(data=st.data(), hold_s=st.integers(0, 4), acquire_timeout_s=st.integers(1, 4))
    def somebody_asks(self, data: Any, hold_s: int, acquire_timeout_s: int) -> None:
        account = data.draw(st.sampled_from([self.current, *self.old]))  # it looked before the size changed
        wait = self.ledger.ask(account, hold_s * 1000, acquire_timeout_s)
        assert (wait is None) == account.closed
        if wait:
            self.waits.append(wait)
            done_by = self.clock.now + hold_s + acquire_timeout_s
            self.done_by[account] = max(done_by, self.done_by.get(account, 0))

    @precondition(lambda self: self.waits)
    @rule(data=st.data())
    def a_wait_is_granted(self, data: Any) -> None:
        wait = data.draw(st.sampled_from(self.waits))
        self.waits.remove(wait)
        assert self.ledger.grant(wait) == self.clock.now - wait.since
        self.waited_s += self.clock.now - wait.since
        self.abandoned += wait.account.closed
        (self.late if wait.account.closed else self.holders).append(wait)

    @precondition(lambda self: self.waits)
    @rule(data=st.data(), timed_out=st.booleans())
    def a_wait_is_refused(self, data: Any, timed_out: bool) -> None:
        wait = data.draw(st.sampled_from(self.waits))
        self.waits.remove(wait)
        assert self.ledger.refuse(wait, timed_out=timed_out)[0] == self.clock.now - wait.since
        self.waited_s += self.clock.now - wait.since

    @precondition(lambda self: self.holders)
    @rule(data=st.data())
    def a_holder_gives_back(self, data: Any) -> None:
        wait = data.draw(st.sampled_from(self.holders))
        self.holders.remove(wait)
        self.ledger.give_back(wait.account)
        self.releasing.append(wait.account)
        self.held_s += self.clock.now - wait.granted

    @precondition(lambda self: self.late)
    @rule(data=st.data())
    def a_holder_gives_back_late(self, data: Any) -> None:
        wait = data.draw(st.sampled_from(self.late))
        self.late.remove(wait)
        self.ledger.give_back(wait.account)
        self.releasing.append(wait.account)

    @precondition(lambda self: self.releasing)
    @rule(data=st.data())
    def a_release_ends(self, data: Any) -> None:
        account = data.draw(st.sampled_from(self.releasing))
        self.releasing.remove(account)
        self.ledger.released(account)

    @precondition(lambda self: self.holders)
    @rule(data=st.data())
    def a_holder_leaks(self, data: Any) -> None:
        wait = data.draw(st.sampled_from(self.holders))
        self.holders.remove(wait)
        self.leaked.append(wait)
        self.ledger.leak(wait.account)

    @precondition(lambda self: self.leaked)
    @rule(data=st.data())
    def a_leak_is_given_back(self, data: Any) -> None:
        wait = data.draw(st.sampled_from(self.leaked))
        self.leaked.remove(wait)
        self.ledger.found(wait.account)
        self.ledger.give_back(wait.account)
        self.releasing.append(wait.account)
        self.held_s += self.clock.now - wait.granted

    @rule()
    def another_size(self) -> None:
        self.old.append(self.current)
        self.current = Account(3)

    @precondition(lambda self: self.old)
    @rule(data=st.data(), force=st.booleans())
    def an_old_pool_is_closed(self, data: Any, force: bool) -> None:
        account = data.draw(st.sampled_from(self.old))
        busy = account in self.releasing or any(wait.account is account for wait in self.waits + self.holders)
        lost = [wait for wait in self.holders + self.leaked if wait.account is account]
        early = lost and self.clock.now < self.done_by[account]
        if (busy or early) and not force:
            assert self.ledger.close(account) is None
            return
        assert self.ledger.close(account, force=force) == len(lost)
        self.held_s += sum(self.clock.now - wait.granted for wait in lost)
        self.abandoned += len(lost)
        self.late += [wait for wait in self.holders if wait in lost]
        self.holders = [wait for wait in self.holders if wait not in lost]
        self.leaked = [wait for wait in self.leaked if wait not in lost]

    @invariant()
    def every_connection_is_somewhere(self) -> None:
        totals = self.ledger.totals()
        assert totals.waiting_requests == len(self.waits)
        assert totals.pool_used_size == len(self.holders) + len(self.leaked)
        assert totals.abandoned_total == self.abandoned
        assert totals.acquired_total == totals.released_total + totals.pool_used_size + totals.abandoned_total

    @invariant()
    def each_account_has_its_own(self) -> None:
        for account in [self.current, *self.old]:
            assert account.waiting == sum(wait.account is account for wait in self.waits)
            assert account.used == sum(wait.account is account for wait in self.holders + self.leaked)
            assert account.releasing == self.releasing.count(account)

    @invariant()
    def the_integrals_are_the_sums(self) -> None:
        now, totals = self.clock.now, self.ledger.totals()
        held = self.holders + self.leaked
        assert totals.waiter_seconds_total == self.waited_s + sum(now - wait.since for wait in self.waits)
        assert totals.used_seconds_total == self.held_s + sum(now - wait.granted for wait in held)


def test_the_books_balance_after_any_sequence() -> None:
    run_state_machine_as_test(Service, settings=settings(max_examples=200, stateful_step_count=40))
