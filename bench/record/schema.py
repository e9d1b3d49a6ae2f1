"""What a run leaves behind: typed, frozen, versioned; a run fills it, the store keeps it, reports are made from it.

History of `SCHEMA`: 1, the first; what was added to it since has a default, `Run.stacks` last. 2: `block` is called
`repetition`, and `patience_s` `acquire_timeout_s`; `upgrade` reads 1.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from bench.record.readings import Counted, CpuSeconds, SamplerEffect
from bench.record.rows import Key
from services.common.contract import Release
from services.stacks import WITH
from services.workload.loads import Load

SCHEMA: Final = 2

_AGAIN: Final = re.compile(r"(.+)-(?:again|(\d+))")


def names_of(service: str, count: int) -> tuple[str, ...]:
    """The names under which a local run plays one service several times (`--aa`): alike in all but the name."""
    return (service, *(f"{service}-{nth}" for nth in range(2, count + 1)))


def played_as(name: str) -> tuple[str, int]:
    """The service behind a name, and which of its names that is, from 1. In older runs the second ends in `-again`.

    `asyncpg_fastapi@asyncpg==0.31.0` is a column of its own, and the first of its name.
    """
    again = _AGAIN.fullmatch(name)
    if again and WITH not in name:
        return again[1], int(again[2] or 2)
    return name.partition(WITH)[0], 1


Status = Literal["ok", "failed", "skipped", "rejected"]
"""`rejected`: played to its end, but its audit failed, so that it is in no figure."""
Layer = Literal["http", "pool"]
"""What was asked: a service, or the pool that it uses, without HTTP."""
TargetKind = Literal["local", "compose", "remote"]
"""Where a run takes place: in processes of its own, in the Compose stack, or in services at given addresses."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where and with what a run was made."""

    started: str
    """UTC, ISO 8601."""
    commit: str | None
    dirty: bool
    """Files differed from the commit."""
    system: str
    cpu: str
    cores: int
    memory_gb: float
    python: str
    postgres: str
    max_connections: int | None
    database: Literal["embedded", "given"] | None
    """None where the run had no database to look at; then nothing is known of PostgreSQL either."""
    versions: dict[str, str]
    """Distribution → version, of every library that takes part on this machine."""
    fresh_processes: bool = True
    """Each cell had a service process of its own; else one that ran before, with a new pool."""
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    """Column → distribution → version, of what a column was played with in place of `versions` (`--with`), and of what
    came with that; all else was the same."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What was asked for; `--resume` goes on only with the same."""

    profile: str
    tuning: str
    tracing: bool
    hold_ms: int
    repeat: int
    seed: int
    services: tuple[str, ...]
    scenarios: tuple[str, ...]
    target: TargetKind = "local"
    layer: Layer = "http"
    release: Release | None = None
    """How connections are given back; None where each scenario says it."""
    urls: dict[str, str] = field(default_factory=dict)
    """Service → address, where it runs elsewhere."""
    half_width: float | None = None
    """With `--repeat auto`: a scenario is played until the interval of its primary metric reaches no further than this
    share of the median to either side, and at most `repeat` times."""


@dataclass(frozen=True, kw_only=True)
class Busy:
    """The window in which all connections are busy by forecast.

    Either the first `served` completions (a burst), or those from `from_s` to `to_s`.
    """

    served: int | None = None
    from_s: float | None = None
    to_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What arithmetic or a simulation says before a cell runs; None is what it cannot say.

    Waits are those of the served, in milliseconds.
    """

    served: int | None = None
    timed_out: int | None = None
    wall_s: float | None = None
    busy: Busy | None = None
    goodput_per_s: float | None = None
    acquire_ms_p50: float | None = None
    acquire_ms_p95: float | None = None
    acquire_ms_p99: float | None = None
    acquire_ms_max: float | None = None
    waiting_peak: int | None = None
    drain_s: float | None = None
    """From the last request to the last answer."""
    hold_ms: float | None = None
    """What it was made with: as asked for, or as measured in the baseline before it, so that overhead is in it."""


@dataclass(frozen=True, kw_only=True)
class AuditCheck:
    """One verdict of a cell's audit, with its figures.

    `noted` is worth knowing and spoils nothing; `not checked` is what could not be looked at.
    """

    name: str
    verdict: Literal["passed", "failed", "noted", "not checked"]
    detail: str


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One scenario on one service in one repetition: how it was run and how that went."""

    scenario: str
    service: str
    repetition: int
    """From 0; one repetition of everything."""
    seed: int
    hold_ms: int
    acquire_timeout_s: float
    pool_size: int
    capacity: int
    """The most connections that the pool may hand out; above `pool_size` only where a library ships so."""
    load: Load
    forecast: Forecast
    status: Status
    why: str | None = None
    """Why it failed or was skipped, in one line."""
    log_tail: str | None = None
    """The service's last lines, where it failed."""
    settings: dict[str, Any] | None = None
    """Read back from the service."""
    began_s: float | None = None
    """When its load began (where it failed: when the cell did), in seconds since 1970, as a dashboard has it."""
    load_s: float = 0.0
    """First planned to last answered."""
    took_s: float = 0.0
    """The cell in all: start, warm-up, load, stop."""
    skew_ms: float | None = None
    lateness_ms_p99: float | None = None
    cpu: CpuSeconds | None = None
    rss_mb: float | None = None
    pss_mb: float | None = None
    counted: Counted | None = None
    """What the audit compares the client's counts with."""
    audit: tuple[AuditCheck, ...] = ()
    ideal: Forecast | None = None
    """What the forecast would be with the hold as asked for; None where it was made with that."""
    attempt: int = 1
    """The number of this play; above 1 where its repetition was played again because an audit failed."""

    @property
    def key(self) -> Key:
        return self.scenario, self.service, self.repetition


@dataclass(frozen=True, kw_only=True)
class StackFacts:
    """What a stack was made of when it was played, so that tables can say it wherever its entry lies by then."""

    label: str
    """At the head of its column, over HTTP."""
    label_alone: str
    """The same on the pool alone."""
    pool: str
    driver: str
    front: str
    server: str
    concurrency: str
    text: str
    """All that its column stands for."""
    text_alone: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """`run.json`: everything of a run but its samples."""

    schema: int
    environment: Environment
    plan: Plan
    cells: tuple[Cell, ...]
    took_s: float = 0.0
    checks_s: float = 0.0
    replaced: tuple[Cell, ...] = ()
    """Cells that were played again, because in their repetition an audit failed; nothing but their record is kept."""
    sampler_effect: SamplerEffect | None = None
    """What the sampler itself costs; in no figure."""
    stacks: dict[str, StackFacts] = field(default_factory=dict)
    """By name, of the stacks in the plan that were in the registry; empty in runs older than this field."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """`events.jsonl`: something that happened at a moment of a cell."""

    scenario: str
    service: str
    repetition: int
    t_s: float
    kind: str
    text: str

    @property
    def key(self) -> Key:
        return self.scenario, self.service, self.repetition
