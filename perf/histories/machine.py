"""The histories themselves, as Hypothesis makes and shrinks them.

No rule has a precondition, and what is drawn does not depend on the pool: one that finds no user lets one ask. So a
history is the same sequence of draws however the pool behaves, and can be played again and shrunk.
"""

from typing import Final, TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from perf.histories.model import with_article
from perf.histories.played import IMPATIENT_S, PATIENT_S, Played, Subject, Tally
from perf.histories.session import MARKS
from perf.histories.users import Command, User

LENGTH: Final = 30
T = TypeVar("T")

then = st.none() | st.integers(0, 9)
"""None: the next step comes when all is quiet. Else so many turns of the loop later, whatever is under way."""
which = st.integers(0, 7)


class History(Played, RuleBasedStateMachine):
    """What users and operators do to a pool."""

    @initialize(
        size=st.integers(1, 3),
        fewer=st.sampled_from([0, 0, 0, 1, 3]),
        patient=st.sampled_from([True, True, True, False]),
    )
    def open(self, size: int, fewer: int, patient: bool) -> None:
        self._open(size, max(0, size - fewer), PATIENT_S if patient else IMPATIENT_S)

    @rule(users=st.integers(1, 3), by_hand=st.booleans(), then=then)
    def ask(self, users: int, by_hand: bool, then: int | None) -> None:
        self._ask(users, by_hand, then)

    @rule(more=st.integers(0, 2), by_hand=st.booleans(), then=then)
    def fill(self, more: int, by_hand: bool, then: int | None) -> None:
        """Asks for all that is left, and `more`."""
        generation = len(self.model.capacities) - 1
        wanting = self.model.out(generation) + self.model.waiting(generation)
        self._ask(self.model.capacities[generation] + more - wanting, by_hand, then)

    @rule(which=which, commit=st.booleans(), then=then)
    def give_back(self, which: int, commit: bool, then: int | None) -> None:
        if user := self._holder(which, then):
            self._step("give back", f"user {user.number} {'commits and ' if commit else ''}gives back")
            if commit:
                self._tell(user, Command("commit"))
            self._tell(user, Command("give back"))
            self._go_on(then)

    @rule(which=which, then=then)
    def use(self, which: int, then: int | None) -> None:
        if user := self._holder(which, then):
            self._step("use", f"user {user.number} reads")
            self._tell(user, Command("use"))
            self._go_on(then)

    @rule(which=which, mark=st.integers(1, 7), then=then)
    def leave(self, which: int, mark: int, then: int | None) -> None:
        if user := self._holder(which, then):
            left = " and ".join(with_article(name) for name, each in MARKS.items() if mark & each)
            self._step("leave", f"user {user.number} leaves {left} on its session")
            self._tell(user, Command("leave", mark))
            self._go_on(then)

    @rule(which=which, then=then)
    def linger(self, which: int, then: int | None) -> None:
        """One at a time: it ends only where it is cancelled or killed."""
        if any(user.lingers for user in self.model.alive()):
            self.use(which, then)
        elif user := self._holder(which, then):
            self._step("linger", f"user {user.number} begins a statement that takes for ever")
            self._tell(user, Command("linger"))
            self._go_on(then)

    @rule(which=which, then=then)
    def fail(self, which: int, then: int | None) -> None:
        if user := self._holder(which, then):
            self._step("fail", f"user {user.number} fails while it holds")
            self._tell(user, Command("fail"))
            self._go_on(then)

    @rule(which=which, then=then)
    def kill(self, which: int, then: int | None) -> None:
        backends = sorted(self.server.backends())
        if pid := _pick(backends, which):
            holders = [user for user in self.model.alive() if user.pid == pid]
            of = f"user {holders[0].number}" if holders else "no user"
            self._step(
                "kill", f"the backend of {self.model.names.get(pid, 'a new connection')} is killed, held by {of}"
            )
            self._kill(pid)
            self._go_on(then)

    @rule(size=st.integers(1, 3), then=then)
    def resize(self, size: int, then: int | None) -> None:
        self._step("resize", f"the pool is to have {size}")
        self._reconfigure({"pool_max_size": size})
        self._go_on(then)

    @rule(patient=st.booleans(), then=then)
    def acquire_timeout(self, patient: bool, then: int | None) -> None:
        patience_s = PATIENT_S if patient else IMPATIENT_S
        if patience_s == self.driver.pool.config.pool_acquire_timeout:
            return
        self._step("acquire timeout", f"the acquire timeout is to be {patience_s:g} s")
        self._reconfigure({"pool_acquire_timeout": patience_s})
        self._go_on(then)

    def _holder(self, which: int, then: int | None) -> User | None:
        return self._one_of(self.model.holders(), which, then)

    def _one_of(self, users: list[User], which: int, then: int | None) -> User | None:
        """The user to which something is done; where there is none, one asks instead."""
        if not users:
            self._ask(1, by_hand=True, then=then)
        return _pick(users, which)


class Cancelling(History):
    """Users that are tasks are cancelled, too: while they wait, hold, work, give back, or at the hand-over."""

    @rule(waits=st.booleans(), which=which, then=then)
    def cancel(self, waits: bool, which: int, then: int | None) -> None:
        """One that waits, if there is one; or any."""
        waiting = [user for user in self.model.alive() if user.state == "asks"] if waits else []
        if user := self._one_of(waiting or self.model.alive(), which, then):
            self._step("cancel", f"user {user.number}, which {self._how(user)}, is cancelled")
            user.cancelled = True
            self.driver.cancel(user)
            self._go_on(then)


def _pick(those: list[T], which: int) -> T | None:
    return those[which % len(those)] if those else None


def play(subject: Subject, steps: int, *, length: int = LENGTH, with_seed: int | None = None) -> Tally:
    """Plays about so many steps, in histories of `length`; those without a seed are the same each time.

    Raises Broken with the shortest history that was found.
    """
    kind = History if subject.stack.threads else Cancelling
    found: type[History] = type("Histories", (kind,), {"subject": subject, "tally": Tally()})
    if with_seed is not None:
        found = seed(with_seed)(found)
    how = settings(
        max_examples=max(1, -(-steps // length)),
        stateful_step_count=length,
        derandomize=with_seed is None,
        database=None,
        deadline=None,
        verbosity=Verbosity.quiet,
        print_blob=False,
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    tally = found.tally
    try:
        run_state_machine_as_test(found, settings=how)
    except BaseException:
        if tally.broken:  # some break only now and then, and the last one need not be the shortest
            raise min(tally.broken, key=lambda broken: str(broken).count("\n")) from None
        raise
    return tally
