"""A monotonic clock that a test turns by hand, in place of the one that the books read."""

from dataclasses import dataclass

import pytest


@dataclass
class Clock:
    """Steps of quarters and halves are exact in binary, so that sums of them can be compared exactly."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


def turned_by_hand(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the ledger and of the books, until the test ends."""
    clock = Clock()
    monkeypatch.setattr("services.common.ledger.monotonic", clock)
    monkeypatch.setattr("services.common.books.monotonic", clock)
    return clock
