"""What README says of stacks in words: claims that are named before a run is made that can show them false.

A claim holds where its comparison is "better", and Wilcoxon's exact test passes by itself, corrected over all claims
together, so that it rests on no assumption about how differences are distributed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from bench.record.schema import Layer, Plan
from bench.record.summary import Comparison

ALPHA: Final = 0.05
MOST: Final = 20
"""Ten repetitions reach p = 2/1024, which passes beside 25 claims at most."""
_ASYNCPG: Final = "asyncpg_fastapi"
_PSYCOPG: Final = "psycopg_flask"
_SQLALCHEMY: Final = "sqlalchemy_fastapi"
_PSYCOPG_ON_A_LOOP: Final = "psycopg_fastapi"
_SQLALCHEMY_ON_THREADS: Final = "sqlalchemy_flask"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One service is better than another in a scenario, equalised and with connections given back as the scenario
    says, or explicitly."""

    scenario: str
    better: str
    than: str
    layer: Layer = "http"

    def __str__(self) -> str:
        where = "" if self.layer == "http" else ", on the pool alone"
        return f"{self.scenario}{where}: {self.better} better than {self.than}"


CLAIMS: Final = (
    Claim(scenario="leak-dropped", better=_SQLALCHEMY, than=_ASYNCPG),
    Claim(scenario="leak-dropped", better=_SQLALCHEMY, than=_PSYCOPG),
    Claim(scenario="leak-exception", better=_SQLALCHEMY, than=_ASYNCPG),
    Claim(scenario="leak-exception", better=_SQLALCHEMY, than=_PSYCOPG),
    Claim(scenario="tight-loop", better=_PSYCOPG, than=_ASYNCPG),
    Claim(scenario="tight-loop", better=_PSYCOPG, than=_SQLALCHEMY),
    Claim(scenario="several-short", better=_PSYCOPG, than=_ASYNCPG),
    Claim(scenario="several-short", better=_PSYCOPG, than=_SQLALCHEMY),
    Claim(scenario="tight-loop", better=_PSYCOPG, than=_ASYNCPG, layer="pool"),
    Claim(scenario="tight-loop", better=_ASYNCPG, than=_SQLALCHEMY, layer="pool"),
    Claim(scenario="tight-loop-long", better=_PSYCOPG, than=_ASYNCPG, layer="pool"),
    Claim(scenario="tight-loop-long", better=_ASYNCPG, than=_SQLALCHEMY, layer="pool"),
    Claim(scenario="tight-loop-long", better=_PSYCOPG, than=_SQLALCHEMY, layer="pool"),
    Claim(scenario="tight-loop-long-managed", better=_PSYCOPG, than=_ASYNCPG, layer="pool"),
    Claim(scenario="tight-loop-long-managed", better=_PSYCOPG, than=_SQLALCHEMY, layer="pool"),
    Claim(scenario="leak-dropped", better=_SQLALCHEMY_ON_THREADS, than=_PSYCOPG),
    Claim(scenario="tight-loop", better=_PSYCOPG, than=_SQLALCHEMY_ON_THREADS),
    Claim(scenario="tight-loop", better=_PSYCOPG_ON_A_LOOP, than=_ASYNCPG),
    Claim(scenario="tight-loop", better=_PSYCOPG_ON_A_LOOP, than=_ASYNCPG, layer="pool"),
)


def claimed(plan: Plan) -> tuple[Claim, ...]:
    """The claims that a run of this plan tests."""
    if plan.tuning != "equalised" or plan.release == "context-manager":
        return ()
    return tuple(
        claim
        for claim in CLAIMS
        if claim.layer == plan.layer
        and claim.scenario in plan.scenarios
        and {claim.better, claim.than} <= set(plan.services)
    )


def with_claims(plan: Plan, comparisons: Iterable[Comparison]) -> tuple[Comparison, ...]:
    """The same, with what became of the claims."""
    claims = {(claim.scenario, frozenset((claim.better, claim.than))): claim for claim in claimed(plan)}
    return tuple(
        replace(found, claim=_holds(claim, found))
        if (claim := claims.get((found.scenario, frozenset((found.a, found.b)))))
        else found
        for found in comparisons
    )


def _holds(claim: Claim, found: Comparison) -> bool | None:
    """None where it was not judged."""
    if found.p_wilcoxon is None:
        return None
    return found.better == claim.better and found.p_wilcoxon <= ALPHA / len(CLAIMS)
