"""One request at a simulated pool."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visit:
    """One request at the pool, in seconds; `held_s` is None where it was rejected after `waited_s`."""

    asked_s: float
    waited_s: float
    held_s: float | None

    @property
    def ended_s(self) -> float:
        return self.asked_s + self.waited_s + (self.held_s or 0.0)
