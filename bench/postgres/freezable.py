"""A PostgreSQL that a fault may stop."""

from typing import Protocol


class Freezable(Protocol):
    """A PostgreSQL whose processes this run has started."""

    def freeze(self, most_s: float) -> int:
        """They stand still until `thaw`, and for `most_s` at the most; returns how many."""

    def thaw(self) -> None:
        """They go on, whether they stood still or not."""

    def refuse_death(self) -> None:
        """Raises PostgresDied where it has ended by itself, or was killed."""
