"""What players by tasks and by threads share: who comes and goes, which fault is next, what is said of it.

Nothing here waits. A request goes from a player to the pool directly, with nothing between them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from services.common.contract import How
from services.inprocess.samples import Answer
from services.workload.samples import LEAK, RELEASE
from services.workload.wire import Fault


class Flag(Protocol):
    def set(self) -> None: ...


AnyFlag = TypeVar("AnyFlag", bound=Flag)


@dataclass(eq=False)
class User(Generic[AnyFlag]):
    """Sends again and again, until told to leave."""

    number: int
    leave: AnyFlag


class Crowd(Generic[AnyFlag]):
    """The users of a closed load. The last to come goes first, once they have their answer."""

    def __init__(self, flag: Callable[[], AnyFlag]) -> None:
        self._flag = flag
        self._present: list[User[AnyFlag]] = []
        self._seen = 0

    def become(self, users: int) -> list[User[AnyFlag]]:
        """Tells those to leave who are too many, and returns those who are new."""
        while users < len(self._present):
            self._present.pop().leave.set()
        new = [User(self._seen + nth, self._flag()) for nth in range(users - len(self._present))]
        self._seen += len(new)
        self._present += new
        return new


@dataclass(frozen=True)
class Step:
    """One leak, or a release of what was kept (`how` is None), `at_s` seconds from t0 or as soon as it can be."""

    at_s: float
    how: How | None = None
    nth: int = 1
    count: int = 1

    def leaked(self, answer: Answer) -> tuple[str, str]:
        """Kind and text of the event."""
        return LEAK, f"{self.how}, {self.nth} of {self.count}: {answer[0]}"

    def released(self, connections: int) -> tuple[str, str]:
        """Kind and text of the event."""
        return RELEASE, f"{connections} given back"


def fault_steps(faults: Sequence[Fault]) -> Iterator[Step]:
    """Every fault, one leak after another."""
    for fault in faults:
        for nth in range(1, (fault.count if fault.how else 1) + 1):
            yield Step(fault.at_s, fault.how, nth, fault.count)
