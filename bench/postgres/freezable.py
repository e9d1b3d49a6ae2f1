"""A PostgreSQL that a fault may stop."""

from typing import Protocol


class Freezable(Protocol):
    """A PostgreSQL whose processes this run has started."""

    def freeze(self) -> int:
        """They stand still; returns how many."""

    def thaw(self) -> None:
        """They go on, whether they stood still or not."""
