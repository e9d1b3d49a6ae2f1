"""The histories themselves, as Hypothesis makes and shrinks them: rules, and the lines that tell what came of each.

No rule has a precondition, and what is drawn does not depend on the pool: one that finds no user lets one ask. So a
history is the same sequence of draws however the pool behaves, and can be played again and shrunk.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from bench.postgres.database import Connection, Database
from perf.histories.drivers import Driver, Tasks, Threads
from perf.histories.model import Model, with_article
from perf.histories.session import MARKS, Server
from perf.histories.users import Command, Life, User
from services.common.contract import Tuning
from services.common.settings import Settings
from services.stacks import Stack

PATIENT_S: Final = 600.0
IMPATIENT_S: Final = 0.01
QUIET_S: Final = 20.0
"""A pool that is not quiet by then never is."""
MOST_USERS: Final = 24
ROUNDS: Final = 100
"""At the end of a history; each gets at least one user further."""
LENGTH: Final = 30
SHRINKS: Final = 200
"""How many histories are tried to make one that breaks shorter: one that waits in vain takes its time."""
T = TypeVar("T")

then = st.none() | st.integers(0, 9)
"""None: the next step comes when all is quiet. Else so many turns of the loop later, whatever is under way."""
which = st.integers(0, 7)


class Broken(Exception):
    """A history at whose end something is wrong, in plain lines."""


class ShortEnough(BaseException):
    """Ends the shrinking, which takes every other exception for one more thing to shrink."""


@dataclass
class Tally:
    """What was played, over all histories."""

    histories: int = 0
    broken: list[Broken] = field(default_factory=list)
    since: int = 0
    """Histories since the first that broke."""
    steps: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Subject:
    """What histories are played on. `library` is the stack's adapter, or one that is to be found out."""

    stack: Stack
    library: Any
    tuning: Tuning
    database: Database
    connection: Connection
    """Of `session.telling`."""
    quiet_s: float = QUIET_S
    shrinks: int = SHRINKS

    def settings(self, size: int, least: int, patience_s: float) -> Settings:
        return Settings(
            **{"db_" + key: value for key, value in _address(self.database).items()},
            pool_min_size=least,
            pool_max_size=size,
            pool_acquire_timeout=patience_s,
            tuning=self.tuning,
        )


def _address(database: Database) -> dict[str, Any]:
    names = ("host", "port", "name", "user", "password")
    return {name: getattr(database, name) for name in names}


class History(RuleBasedStateMachine):
    """Of one pool, from its opening to its closing."""

    subject: ClassVar[Subject]
    tally: ClassVar[Tally]

    def __init__(self) -> None:
        super().__init__()
        subject, traits = self.subject, self.subject.stack.traits
        shipped = subject.tuning == "as_shipped"
        self.overflow = traits.shipped_overflow if shipped else 0
        self.server = Server(subject.connection, subject.stack.name)
        self.model = Model(self.server, traits, shipped)
        self.lines: list[str] = []
        self.told: dict[User, str] = {}
        self.broken = self.opened = False
        self.driver: Driver

    @initialize(
        size=st.integers(1, 3),
        fewer=st.sampled_from([0, 0, 0, 1, 3]),
        patient=st.sampled_from([True, True, True, False]),
    )
    def open(self, size: int, fewer: int, patient: bool) -> None:
        kind = Threads if self.subject.stack.threads else Tasks
        least = max(0, size - fewer)
        config = self.subject.settings(size, least, PATIENT_S if patient else IMPATIENT_S)
        self.driver = kind(self.subject.stack, self.subject.library, config)
        self.lines.append(f"{self.subject.stack.name}, {self.subject.tuning}: a pool of {least} to {size}")
        if not patient:
            self.lines[-1] += f", acquire timeout {IMPATIENT_S} s"
        self.driver.open()
        self.opened = True
        self.model.capacities.append(size + self.overflow)
        self.tally.histories += 1
        self._settle()

    @rule(users=st.integers(1, 3), by_hand=st.booleans(), then=then)
    def ask(self, users: int, by_hand: bool, then: int | None) -> None:
        self._ask(users, by_hand, then)

    @rule(more=st.integers(0, 2), by_hand=st.booleans(), then=then)
    def fill(self, more: int, by_hand: bool, then: int | None) -> None:
        """Asks for all that is left, and `more`."""
        generation = len(self.model.capacities) - 1
        wanting = self.model.out(generation) + self.model.waiting(generation)
        self._ask(self.model.capacities[generation] + more - wanting, by_hand, then)

    def _ask(self, users: int, by_hand: bool, then: int | None) -> None:
        users = min(users, MOST_USERS - len(self.model.alive()))
        if users < 1:
            return
        first = len(self.model.users) + 1
        who = f"user {first} asks" if users == 1 else f"users {first} to {first + users - 1} ask"
        self._step("ask", who + ("" if by_hand else " by context manager"))
        for _ in range(users):
            user = User(
                number=len(self.model.users) + 1,
                generation=len(self.model.capacities) - 1,
                by_hand=by_hand,
                patience_s=self.driver.pool.config.pool_acquire_timeout,
            )
            self.model.users.append(user)
            self.driver.begin(user, self._life(user))
            self._until(self._all_have_asked, f"user {user.number} does not ask")
        self._go_on(then)

    def _holder(self, which: int, then: int | None) -> User | None:
        return self._one_of(self.model.holders(), which, then)

    def _one_of(self, users: list[User], which: int, then: int | None) -> User | None:
        """The user to which something is done; where there is none, one asks instead."""
        if not users:
            self._ask(1, by_hand=True, then=then)
        return _pick(users, which)

    def _life(self, user: User) -> Any:
        def life(pool: Any, next_command: Any) -> Any:
            return Life(user, pool, self.model, self.server.backend_of, next_command).live()

        return life

    def _all_have_asked(self) -> bool:
        counted = self.driver.pool.books.totals()
        ended = counted.acquired_total + counted.timed_out_total + counted.failed_total
        return counted.waiting_requests + ended == len(self.model.users)

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
            self.model.killed.add(pid)
            self.model.unexcused.add(pid)
            self.model.killed_since_resize += 1
            self.server.kill(pid)
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

    def _reconfigure(self, patch: dict[str, Any]) -> None:
        shape, before = self.subject.library.shape, self.driver.pool.config
        after = before.changed(patch)
        self.driver.reconfigure(patch)
        if shape(after) != shape(before):
            self.model.capacities.append(after.pool_max_size + self.overflow)
            self.model.killed_since_resize = 0

    # How a step ends, and what is told of it.

    def _step(self, verb: str, line: str) -> None:
        self.tally.steps[verb] += 1
        self.lines.append(line)

    def _tell(self, user: User, command: Command) -> None:
        user.told += 1
        self.driver.tell(user, command)

    def _go_on(self, then: int | None) -> None:
        if then is None:
            self._settle()
            return
        self.driver.turn(then)
        self._note(f", {then} turns later" if self.driver.cancels else ", at once")
        self._refuse_wrongs()

    def _note(self, when: str = "") -> None:
        """Puts down what has become of users since the last time."""
        seen = {user: self._how(user) for user in self.model.users}
        new = [f"user {user.number} {text}" for user, text in seen.items() if self.told.get(user) != text]
        self.told = seen
        if new or when:
            self.lines[-1] += f"{when} → {', '.join(new) or 'nothing yet'}"

    def _how(self, user: User) -> str:
        match user.state:
            case "asks":
                return "waits"
            case "holds":
                return f"has {self.model.name(user)}"
            case "gives back":
                return "is giving back"
            case "gone":
                return user.outcome

    def _settle(self) -> None:
        """Waits until all is quiet and as the model says."""
        self._until(lambda: bool(self.model.wrongs) or self._discrepancy() is None)
        self._note()
        self._refuse_wrongs()

    def _discrepancy(self) -> str | None:
        return next(self.model.discrepancies(self.driver.pool.snapshot()), None)

    def _until(self, condition: Any, otherwise: str | None = None) -> None:
        if not self.driver.until(condition, self.subject.quiet_s):
            self._note()
            self._break(otherwise or self._discrepancy() or "it was not quiet in time")

    def _refuse_wrongs(self) -> None:
        if self.model.wrongs:
            self._break("; ".join(self.model.wrongs))

    def _break(self, what: str) -> None:
        self.broken = True
        steps = [f"{number:3}. {line}" for number, line in enumerate(self.lines[1:], 1)]
        broken = Broken("\n".join([self.lines[0], *steps, f"     but {what}"]))
        self.tally.broken.append(broken)
        raise broken

    # The end of a history.

    def teardown(self) -> None:
        if not self.opened:
            return
        try:
            if not self.broken:
                self._all_give_back()
                self._every_connection_can_be_had()
                self._all_give_back()
        finally:
            self._close()
            self.tally.outcomes.update(user.outcome for user in self.model.users)
            self.tally.since += bool(self.tally.broken)
            if self.tally.since > self.subject.shrinks:
                raise ShortEnough

    def _all_give_back(self) -> None:
        """Users that wait are served meanwhile, and give back in their turn; one that was forgotten, after the next."""
        self.lines.append("all give back")
        for _ in range(ROUNDS):
            if not self.model.alive():
                return
            if all(user.state == "asks" for user in self.model.alive()):
                self._ask(1, by_hand=True, then=None)
            for user in self.model.alive():
                if user.lingers and user.pid not in self.model.killed:
                    self._kill(user.pid)
                elif user.state == "holds" and not user.lingers and user.told == user.done:
                    self._tell(user, Command("give back"))
            self._settle()
        self._break("they never end")

    def _kill(self, pid: int | None) -> None:
        assert pid is not None
        self.model.killed.add(pid)
        self.model.unexcused.add(pid)
        self.model.killed_since_resize += 1
        self.server.kill(pid)

    def _every_connection_can_be_had(self) -> None:
        """All at once, and not one more; a user that gets a connection that was killed fails, and another asks."""
        generation = len(self.model.capacities) - 1
        capacity = self.model.capacities[generation]
        shape, config = self.subject.library.shape, self.driver.pool.config
        if shape(config) == shape(config.changed({"pool_acquire_timeout": PATIENT_S})):
            self._reconfigure({"pool_acquire_timeout": PATIENT_S})
        for _ in range(ROUNDS):
            if self.model.out(generation) == capacity:
                return
            self._ask(capacity + 1 - self.model.out(generation), by_hand=True, then=None)
        self._break(f"{self.model.out(generation)} of {capacity} connections can be had")

    def _close(self) -> None:
        """Closing leaves no backend; after a history that broke, what is left is ended by force."""
        try:
            if not self.broken:
                self.lines.append("the pool is closed")
                self.driver.close()
                self._until(lambda: not self.server.backends(), "it leaves backends")
        finally:
            if self.broken:
                with suppress(Exception):
                    self.driver.close()
                for pid in self.server.backends():
                    self.server.kill(pid)
            self.driver.end()


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
