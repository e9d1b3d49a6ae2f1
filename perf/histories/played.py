"""How a history is played on a pool: each step ends when all is quiet and as the model says, and is told in a line."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from bench.postgres.database import Connection, Database
from perf.histories.drivers import Driver, Tasks, Threads
from perf.histories.model import Model
from perf.histories.session import Server
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
SHRINKS: Final = 200
"""How many histories are tried to make one that breaks shorter: one that waits in vain takes its time."""


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


class Played:
    """One pool, from its opening to its closing."""

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

    def _open(self, size: int, least: int, patience_s: float) -> None:
        kind = Threads if self.subject.stack.threads else Tasks
        self.driver = kind(self.subject.stack, self.subject.library, self.subject.settings(size, least, patience_s))
        self.lines.append(f"{self.subject.stack.name}, {self.subject.tuning}: a pool of {least} to {size}")
        if patience_s != PATIENT_S:
            self.lines[-1] += f", acquire timeout {patience_s:g} s"
        self.driver.open()
        self.opened = True
        self.model.capacities.append(size + self.overflow)
        self.tally.histories += 1
        self._settle()

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

    def _life(self, user: User) -> Any:
        def life(pool: Any, next_command: Any) -> Any:
            return Life(user, pool, self.model, self.server.backend_of, next_command).live()

        return life

    def _all_have_asked(self) -> bool:
        counted = self.driver.pool.books.totals()
        ended = counted.acquired_total + counted.timed_out_total + counted.failed_total
        return counted.waiting_requests + ended == len(self.model.users)

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
