"""What must hold of a pool whatever its users do: at every moment, and when all is quiet."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from perf.histories.session import MARKS, TRANSACTION, Server
from perf.histories.users import HandlerFailed, State, User
from services.common.contract import Refused
from services.common.metrics import PoolStats
from services.stacks import Traits


@dataclass
class Model:
    """Users by generation of the pool; `capacities` has one entry for each."""

    server: Server
    traits: Traits
    shipped: bool
    capacities: list[int] = field(default_factory=list)
    users: list[User] = field(default_factory=list)
    killed: set[int] = field(default_factory=set)
    unexcused: set[int] = field(default_factory=set)
    """Killed backends for which no user has failed yet: each excuses one."""
    killed_since_resize: int = 0
    marks: Counter[int] = field(default_factory=Counter)
    """By backend: the sum of what was left on it."""
    names: dict[int, str] = field(default_factory=dict)
    wrongs: list[str] = field(default_factory=list)
    """What must not be at any moment, and was."""

    # What users tell, as it happens.

    def holds(self, user: User) -> None:
        user.state, user.held = "holds", True
        out, capacity = self.out(user.generation), self.capacities[user.generation]
        if out > capacity:
            self.wrongs.append(f"{out} connections are out, of a pool of {capacity}")

    def knows(self, user: User, carried: int) -> None:
        """A user's session has told which it is, and what it found on it."""
        assert user.pid is not None
        self.names.setdefault(user.pid, _letters(len(self.names)))
        for other in self._all("holds"):
            if other is not user and other.pid == user.pid:
                self.wrongs.append(f"{self.name(user)} is handed to user {user.number} and to user {other.number}")
        undone = self.traits.shipped_undoes if self.shipped else frozenset()
        carried &= ~(self.marks[user.pid] & sum(mark for left, mark in MARKS.items() if left not in undone))
        for found in (*(left for left, mark in MARKS.items() if carried & mark), *_transaction(carried)):
            self.wrongs.append(
                f"user {user.number} finds {with_article(found)} on {self.name(user)} that was left by another"
            )

    def left(self, user: User, mark: int) -> None:
        assert user.pid is not None
        self.marks[user.pid] |= mark

    def ends(self, user: User, error: BaseException | None) -> None:
        match error:
            case None:
                user.outcome = "has given back"
            case HandlerFailed():
                user.outcome = "has failed and given back"
            case Refused(reason="database_unavailable"):
                user.outcome = "gets an error of the database"
                self._excuse(user, error)
            case Refused():
                user.outcome = f"is rejected: {error.reason}"
                if error.waited_s < user.patience_s:
                    self.wrongs.append(f"user {user.number} is rejected after {error.waited_s:.4f} s, too early")
            case BaseException() if user.cancelled:
                user.outcome = "has ended"
            case _:
                user.outcome = f"ends with {type(error).__name__}"
                self.wrongs.append(f"user {user.number} ends with {type(error).__name__}: {error}")

    def _excuse(self, user: User, error: Refused) -> None:
        """One whose connection was killed may fail; where it is not known which it had, any that was killed."""
        fit = self.unexcused if user.pid is None else self.killed & {user.pid}
        if not fit:
            self.wrongs.append(f"user {user.number} fails on a connection that lives: {error}")
        elif user.pid is None:
            self.unexcused.pop()
        else:
            self.unexcused.discard(user.pid)

    # What holds when all is quiet.

    def discrepancies(self, seen: PoolStats) -> Iterator[str]:
        """What differs from the model, the cheapest to ask first. A moment later it may have come right."""
        yield from self._users_that_move()
        yield from self._waiters_beside_free_connections(seen)
        yield from self._counts(seen)
        yield from self._sizes(seen)
        yield from self._backends(seen)

    def _users_that_move(self) -> Iterator[str]:
        for user in self.users:
            if user.state == "gives back":
                yield f"user {user.number} does not come back from giving back"
            elif user.cancelled and user.state != "gone":
                yield f"user {user.number} was cancelled and does not end"
            elif user.busy:
                yield f"user {user.number} does not do what it was told"
            elif user.state == "asks" and user.patience_s < 1:
                yield f"user {user.number} waits beyond its acquire timeout"

    def _waiters_beside_free_connections(self, seen: PoolStats) -> Iterator[str]:
        for generation, capacity in enumerate(self.capacities):
            waiting, out = self._of(generation, "asks"), self.out(generation)
            forgotten = self._may_be_forgotten(generation) and not seen.counted.pool_connecting
            if waiting and out < capacity and not forgotten:
                yield f"user {waiting[0].number} waits, and {out} of {capacity} connections are out"

    def _may_be_forgotten(self, generation: int) -> bool:
        """Whether a slot of this pool may have come free without a connection, where that wakes no waiter.

        Its user gave up, maybe in the middle of a connect; or came back with others to a pool with overflow.
        """
        overflow = self.shipped and self.traits.shipped_overflow
        gone = [user for user in self.users if user.generation == generation and user.state == "gone"]
        return self.traits.forgets_waiters and any(overflow or not user.held for user in gone)

    def _counts(self, seen: PoolStats) -> Iterator[str]:
        counted = seen.counted
        waiting, used = len(self._all("asks")), len(self._all("holds"))
        if (counted.waiting_requests, counted.pool_used_size) != (waiting, used):
            yield (
                f"the ledger has {counted.waiting_requests} waiting and {counted.pool_used_size} in use, "
                f"where there are {waiting} and {used}"
            )
        ended = counted.acquired_total + counted.timed_out_total + counted.failed_total
        if ended != len(self.users) - waiting or counted.acquired_total != counted.released_total + used:
            yield f"the ledger's totals do not add up: {counted}"
        old = sum(1 for generation in range(len(self.capacities) - 1) if self._of(generation, "asks", "holds"))
        if len(seen.draining) != old:
            yield f"{len(seen.draining)} old pools drain, where {old} are needed"

    def _sizes(self, seen: PoolStats) -> Iterator[str]:
        """What the library says of the pool in force; one that is killed while it is out may have left its books."""
        if seen.pool_size is None or seen.pool_free_size is None:
            return
        held = self._of(len(self.capacities) - 1, "holds")
        lost = sum(1 for user in held if user.pid in self.killed)
        out = seen.pool_size - seen.pool_free_size
        if not len(held) - lost <= out <= len(held):
            free = seen.pool_free_size
            yield f"the library has {seen.pool_size} connections and {free} free, where {len(held)} are out"
        if not 0 <= seen.pool_size <= self.capacities[-1]:
            yield f"the library has {seen.pool_size} connections in a pool of {self.capacities[-1]}"

    def _backends(self, seen: PoolStats) -> Iterator[str]:
        backends = self.server.backends()
        held = {user.pid for user in self._all("holds")}
        if gone := held - backends.keys() - self.killed:
            yield f"{', '.join(self.names[pid] for pid in gone if pid)} is out, and its backend is gone"
        if dirty := [pid for pid, in_transaction in backends.items() if in_transaction and pid not in held]:
            yield f"{len(dirty)} free connections are in a transaction"
        if seen.draining or seen.pool_size is None:
            return
        lost = self.killed_since_resize
        if self.traits.counts_slots and (lost or self._cut_off()):
            lost = seen.pool_size  # one that is lost may make the library give up all of them, and count on
        least = seen.pool_size - lost
        if not least <= len(backends) <= seen.pool_size:
            yield f"PostgreSQL has {len(backends)} backends, and the library {seen.pool_size} connections"

    def _cut_off(self) -> bool:
        """Whether a user of the pool in force was cancelled: the driver may have ended its connection."""
        return any(user.cancelled and user.generation == len(self.capacities) - 1 for user in self.users)

    # Who is where.

    def _of(self, generation: int, *states: State) -> list[User]:
        return [user for user in self.users if user.generation == generation and user.state in states]

    def _all(self, *states: State) -> list[User]:
        return [user for user in self.users if user.state in states]

    def holders(self) -> list[User]:
        """Those that can be told something."""
        return [user for user in self._all("holds") if not user.lingers and not user.cancelled]

    def alive(self) -> list[User]:
        return self._all("asks", "holds", "gives back")

    def waiting(self, generation: int) -> int:
        return len(self._of(generation, "asks"))

    def out(self, generation: int) -> int:
        """How many connections take a slot: some libraries free that of one that was killed, held or not."""
        freed = self.killed if self.traits.frees_lost else set()
        return sum(user.pid not in freed for user in self._of(generation, "holds"))

    def name(self, user: User) -> str:
        """The letter of the connection that it has."""
        return self.names.get(user.pid or 0, "a connection")


def _transaction(carried: int) -> tuple[str, ...]:
    return ("transaction",) if carried & TRANSACTION else ()


def with_article(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _letters(number: int) -> str:
    """A, B, … Z, AA, AB …"""
    return _letters(number // 26 - 1) + chr(65 + number % 26) if number > 25 else chr(65 + number)
