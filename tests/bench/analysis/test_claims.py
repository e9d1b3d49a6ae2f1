"""Claims that are named beforehand, and what becomes of them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.analysis.claims import ALPHA, CLAIMS, MOST, claimed, with_claims
from bench.record.stored import load
from bench.record.summary import Comparison
from tests.bench import made

RESULTS = Path("results")
SERVICES = made.SERVICES
PLAN = made.plan(services=SERVICES, scenarios=("leak-dropped", "one"))
BETTER, WORSE = "sqlalchemy_fastapi", "asyncpg_fastapi"


def found(**changed: Any) -> Comparison:
    usual: dict[str, Any] = {
        "scenario": "leak-dropped", "a": WORSE, "b": BETTER, "metric": "share_served", "repetitions": 10,
        "verdict": "better", "better": BETTER, "p_wilcoxon": 2 / 1024,
    }  # fmt: skip
    return Comparison(**usual | changed)


@pytest.mark.parametrize(
    ("changed", "holds"),
    [
        ({}, True),
        ({"better": WORSE}, False),
        ({"verdict": "undecided", "better": None}, False),
        ({"p_wilcoxon": 0.01}, False),
        ({"verdict": "not judged", "better": None, "p_wilcoxon": None}, None),
        ({"scenario": "one"}, None),
    ],
)
def test_a_claim_holds_where_the_one_is_better_by_the_rank_test_alone(
    changed: dict[str, object], holds: bool | None
) -> None:
    (seen,) = with_claims(PLAN, [found(**changed)])
    assert seen.claim is holds


def test_a_claim_is_about_one_layer_one_tuning_and_explicit_release() -> None:
    assert {claim.scenario for claim in claimed(PLAN)} == {"leak-dropped"}
    for other in ({"layer": "pool"}, {"tuning": "as_shipped"}, {"release": "context-manager"}, {"services": (WORSE,)}):
        assert claimed(replace(PLAN, **other)) == ()


def test_ten_repetitions_can_show_every_claim_and_none_is_made_twice() -> None:
    assert len(CLAIMS) <= MOST
    assert ALPHA / MOST >= 2 / 1024
    pairs = {(claim.layer, claim.scenario, frozenset((claim.better, claim.than))) for claim in CLAIMS}
    assert len(pairs) == len(CLAIMS)
    assert {len(pair) for _, _, pair in pairs} == {2}


def test_each_claim_is_shown_by_a_run_that_is_published() -> None:
    shown = set()
    for directory in sorted(RESULTS.glob("*/")):
        plan = load(directory).run.plan
        compared = json.loads((directory / "summary.json").read_text())["comparisons"]
        assert [found for found in compared if found["claim"] is False] == [], directory
        held = {(found["scenario"], found["a"], found["b"]) for found in compared if found["claim"]}
        shown |= {
            claim
            for claim in claimed(plan)
            if {(claim.scenario, claim.better, claim.than), (claim.scenario, claim.than, claim.better)} & held
        }
    assert set(CLAIMS) == shown
