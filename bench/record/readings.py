"""What is read of a cell beside its samples: counts before and after its load, CPU time, what the sampler costs."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a service and PostgreSQL had counted at one moment at which nothing was going on; None is not said."""

    at_s: float
    """On the clock of the cell's load."""
    acquired_total: float | None = None
    released_total: float | None = None
    timed_out_total: float | None = None
    failed_total: float | None = None
    leaked_total: float | None = None
    abandoned_total: float | None = None
    waiter_seconds_total: float | None = None
    used_seconds_total: float | None = None
    waiting_requests: float | None = None
    pool_used_size: float | None = None
    reads: int | None = None
    """Statements that read `items`, by pg_stat_statements; None where PostgreSQL does not count them."""
    idle_in_transaction: int | None = None
    """Backends of the service with a transaction in which nothing happens."""
    locking: int | None = None
    """Idle ones in no transaction that hold advisory locks."""
    temporary: int | None = None
    """Idle ones that own temporary tables; None also where PostgreSQL does not tell whose they are."""


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A cell's readings: after the warm-up, and when the service had come to rest after the load."""

    before: Reading
    after: Reading
    changed: dict[str, Any] = field(default_factory=dict)
    """Settings that were others after the load than before, with what they had become."""


@dataclass(frozen=True, kw_only=True)
class SamplerEffect:
    """One cell, with the sampler and again without it: its primary metric, and requests served per second."""

    scenario: str
    service: str
    repetition: int
    primary: str
    primary_with: float | None
    primary_without: float | None
    goodput_with_per_s: float | None
    goodput_without_per_s: float | None


@dataclass(frozen=True, kw_only=True)
class CpuSeconds:
    """CPU time of the bench's machine during the load. None is what runs elsewhere, or cannot be seen; `other` is
    the rest of the machine, and what cannot be seen on it."""

    generator: float
    service: float | None
    postgres: float | None
    harness: float
    other: float
    available: float
    """Cores × wall seconds."""
