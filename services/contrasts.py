"""The pairs of stacks that are compared, and what a verdict about each may name.

What is not planned is not tested, so that more stacks make no verdict harder to reach. Standard library only, as the
registry of stacks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Final, Literal

from services.stacks import STACKS, WITH

Layer = Literal["http", "pool"]
"""Over HTTP, or on the pool alone, where neither front nor server takes part."""
Factor = Literal["pool", "pool and driver", "front", "front and server", "database layer", "concurrency"]
"""What differs between two stacks that are otherwise the same."""
FACTS: Final = ("pool", "driver", "front", "server", "concurrency")
"""The fields of a stack's entry in which two can differ."""
FACTS_ALONE: Final = ("pool", "driver", "concurrency")
"""The same without HTTP."""
OF_A_FACTOR: Final[Mapping[Factor, frozenset[str]]] = MappingProxyType(
    {
        "pool": frozenset({"pool"}),
        "pool and driver": frozenset({"pool", "driver"}),
        "front": frozenset({"front"}),
        "front and server": frozenset({"front", "server"}),
        "database layer": frozenset(),
        "concurrency": frozenset({"pool", "concurrency"}),
    }
)
"""The fields that differ where a factor does; a test compares them with the entries."""


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Two stacks that are compared."""

    a: str
    b: str
    factor: Factor | None = None
    """What a verdict over HTTP names; None where several things differ that do not belong together, so that it names
    the stacks."""
    alone: Factor | None = None
    """The same on the pool alone."""
    includes: str = ""
    """What comes with the factor, in a sentence."""
    layers: tuple[Layer, ...] = ("http", "pool")
    """Where something differs at all."""
    scenarios: frozenset[str] | None = None
    """Where it is compared; None: wherever both are played."""

    def named(self, layer: Layer) -> Factor | None:
        """The factor that a verdict names."""
        return self.factor if layer == "http" else self.alone


_ENGINE: Final = "SQLAlchemy's engine and SQL layer come with its pool."

CONTRASTS: Final = (
    Contrast(a="asyncpg_fastapi", b="psycopg_flask"),
    Contrast(a="asyncpg_fastapi", b="sqlalchemy_fastapi", factor="pool", alone="pool", includes=_ENGINE),
    Contrast(a="psycopg_flask", b="sqlalchemy_fastapi"),
    Contrast(a="psycopg_flask", b="sqlalchemy_flask", factor="pool", alone="pool", includes=_ENGINE),
    Contrast(
        a="asyncpg_fastapi",
        b="psycopg_fastapi",
        factor="pool and driver",
        alone="pool and driver",
        includes="asyncpg and psycopg have a pool each, which takes no other driver.",
    ),
    Contrast(
        a="psycopg_flask",
        b="psycopg_django",
        factor="front",
        alone="database layer",
        includes="Django's database layer comes with its front.",
    ),
    Contrast(
        a="sqlalchemy_flask",
        b="sqlalchemy_fastapi_threads",
        factor="front and server",
        includes="FastAPI's `def` handlers run on AnyIO's threads under uvicorn, and Flask's on gunicorn's.",
        layers=("http",),
    ),
    Contrast(a="psycopg_flask", b="psycopg_fastapi", alone="concurrency"),
    Contrast(a="sqlalchemy_fastapi", b="sqlalchemy_fastapi_threads"),
)
"""In the order in which they are told."""


def contrasts(services: Sequence[str], layer: Layer = "http") -> tuple[Contrast, ...]:
    """The pairs of these services that are compared: the planned ones, then all with a service that is in none.

    A stack with other versions of its libraries is compared with itself as it is locked, and with nothing else.
    """
    planned = {name for contrast in CONTRASTS for name in (contrast.a, contrast.b)}
    there = [
        contrast for contrast in CONTRASTS if {contrast.a, contrast.b} <= set(services) and layer in contrast.layers
    ]
    others = [(a, b) for a, b in combinations(services, 2) if not {a, b} <= planned and not _of_others(a, b)]
    return (*there, *(_unplanned(a, b) for a, b in others))


def _of_others(a: str, b: str) -> bool:
    """Whether one is a stack with other versions, and the other is not that stack as it is locked."""
    return WITH in a + b and a != b.partition(WITH)[0] and b != a.partition(WITH)[0]


def differing(ours: object, theirs: object, layer: Layer = "http") -> tuple[str, ...]:
    """In which fields two stacks differ, of the registry or as a run has recorded them; without HTTP neither front nor
    server takes part."""
    facts = FACTS if layer == "http" else FACTS_ALONE
    return tuple(fact for fact in facts if getattr(ours, fact) != getattr(theirs, fact))


def _unplanned(a: str, b: str) -> Contrast:
    """A pair with a stack that lies elsewhere, or a service of no stack: it names a factor where one field differs."""
    if not {a, b} <= STACKS.keys():
        return Contrast(a=a, b=b)
    ours, theirs = STACKS[a], STACKS[b]
    return Contrast(a=a, b=b, factor=_only(differing(ours, theirs)), alone=_only(differing(ours, theirs, "pool")))


def _only(fields: tuple[str, ...]) -> Factor | None:
    """The factor that these fields are."""
    return next((factor for factor, of in OF_A_FACTOR.items() if of and of == frozenset(fields)), None)
