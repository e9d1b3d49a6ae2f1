"""What changed between two runs, from values made by hand."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.change import Change, changes, refusal, surroundings
from bench.metrics.model import Metrics
from bench.record.schema import Run
from bench.scenarios.catalogue import SCENARIOS
from tests.bench import made

A = made.SERVICES[0]
Key = tuple[str, str, int]
SENT = 100


def near(value: Any) -> Any:
    """What is equal but for rounding."""
    return pytest.approx(value)


def run(*scenarios: str, **changed: Any) -> Run:
    cells = [made.cell(name, A) for name in scenarios or ("burst-timeout",)]
    return made.run(cells, scenarios=scenarios or ("burst-timeout",), **changed)


def cells(scenario: str, values: Sequence[float | None], **changed: Any) -> dict[Key, Metrics]:
    primary = SCENARIOS[scenario].primary
    return {
        (scenario, A, repetition): {
            "share_served": value / SENT if primary == "ok" and value is not None else 1.0,
            "cpu_bound": 0.0,
            primary: value,
            **changed,
        }
        for repetition, value in enumerate(values)
    }


def only(scenario: str, before: dict[Key, Metrics], after: dict[Key, Metrics], **threshold: float) -> Change:
    (found,) = changes(run(scenario), run(scenario), before, after, **threshold)
    return found


def test_a_whole_change() -> None:
    before, after = cells("ramp", [50.0] * 10), cells("ramp", [40.0] * 10)
    worse = Change(
        scenario="ramp",
        service=A,
        metric="goodput_per_s",
        verdict="worse",
        before=50,
        after=40,
        change=near(-20),
        change_low=near(-20),
        change_high=near(-20),
    )
    assert only("ramp", before, after) == worse
    more = near(25)
    back = replace(worse, verdict="better", before=40, after=50, change=more, change_low=more, change_high=more)
    assert only("ramp", after, before) == back


def test_what_is_served_changes_in_points() -> None:
    found = only("burst-timeout", cells("burst-timeout", [50.0] * 10), cells("burst-timeout", [40.0] * 10))
    assert (found.verdict, found.metric, found.scale, found.change) == (
        "worse", "share_served", "points", near(-10),
    )  # fmt: skip


def test_more_of_a_wait_is_worse() -> None:
    found = only("burst-10", cells("burst-10", [200.0] * 10), cells("burst-10", [230.0] * 10))
    assert (found.verdict, found.change) == ("worse", near(15))


@pytest.mark.parametrize(("threshold", "verdict"), [(0.03, "worse"), (0.05, "equivalent")])
def test_a_change_within_the_threshold_is_none(threshold: float, verdict: str) -> None:
    before, after = cells("ramp", [100.0] * 10), cells("ramp", [96.0] * 10)
    assert only("ramp", before, after, threshold=threshold).verdict == verdict


def test_a_change_that_may_be_chance_is_undecided() -> None:
    before, after = cells("burst-10", [100.0, 200] * 5), cells("burst-10", [120.0, 220] * 5)
    found = only("burst-10", before, after)
    assert found.verdict == "undecided"
    assert found.change_low is not None
    assert found.change_high is not None
    assert found.change_low < 0 < found.change_high


@pytest.mark.parametrize(("one", "other"), [(10, 9), (9, 10), (1, 1)])
def test_under_ten_repetitions_on_either_side_nothing_is_judged(one: int, other: int) -> None:
    found = only("burst-timeout", cells("burst-timeout", [50.0] * one), cells("burst-timeout", [5.0] * other))
    assert (found.verdict, found.why) == ("not judged", f"{one} and {other} of the 10 repetitions that it takes")


def test_what_is_bound_by_the_cpu_is_not_compared() -> None:
    bound, free = cells("burst-timeout", [50.0] * 10, cpu_bound=1.0), cells("burst-timeout", [5.0] * 10)
    found = only("burst-timeout", bound, free)
    assert (found.verdict, found.why) == ("not judged", "CPU-bound, not compared")
    found = only("burst-timeout", free, cells("burst-timeout", [50.0] * 10, machine_busy=1.0))
    assert (found.verdict, found.why) == ("not judged", "machine busy, not compared")


def test_waits_of_fewer_served_are_not_compared_but_the_share_is() -> None:
    before, after = cells("burst-10", [200.0] * 10), cells("burst-10", [100.0] * 10, share_served=0.5)
    found = only("burst-10", before, after)
    assert (found.metric, found.verdict, found.before, found.after, found.why) == (
        "share_served",
        "worse",
        1.0,
        0.5,
        "100 % and 50 % were served",
    )
    some = {key: {**values, "share_served": 0.5 + 0.06 * (key[2] % 2)} for key, values in before.items()}
    assert only("burst-10", some, {**some}).verdict == "equivalent"
    assert only("burst-10", before, cells("burst-10", [*[200.0] * 9, None])).verdict == "undecided"


def test_cells_that_were_asked_something_else_are_not_compared() -> None:
    other = replace(run(), cells=(made.cell(pool_size=20),))
    values = cells("burst-timeout", [50.0] * 10)
    (found,) = changes(run(), other, values, values)
    assert (found.verdict, found.why) == ("not judged", "pool_size was another")
    assert (found.before, found.after) == (50, 50)


def test_values_that_are_not_judged_are_told_all_the_same() -> None:
    found = only("burst-10", cells("burst-10", [200.0, 210, 220]), cells("burst-10", [100.0], cpu_bound=1.0))
    assert (found.verdict, found.before, found.after, found.change) == ("not judged", 210, 100, None)
    found = only("burst-10", cells("burst-10", [None]), {})
    assert (found.before, found.after) == (math.inf, None)


def test_only_what_both_have_is_compared_in_the_order_of_the_first() -> None:
    a, b = run("burst-10", "burst-timeout", "one"), run("one", "burst-timeout")
    assert [change.scenario for change in changes(a, b, {}, {})] == ["burst-timeout", "one"]


@given(*[st.lists(st.integers(1, 100), min_size=10, max_size=11)] * 2, st.sampled_from([0, 800]))
def test_the_other_way_round_better_is_worse(one: list[float], other: list[float], more: int) -> None:
    before, after = cells("burst-10", one), cells("burst-10", [value + more for value in other])
    mirrored = {"better": "worse", "worse": "better"}
    there, back = only("burst-10", before, after), only("burst-10", after, before)
    assert there.verdict == mirrored.get(back.verdict, back.verdict)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tuning": "as_shipped"}, "tuning is equalised in one and as_shipped in the other: "),
        ({"hold_ms": 50}, "hold_ms is 100 in one and 50 in the other: "),
        ({"layer": "pool"}, "layer is http in one and pool in the other: "),
        ({"release": "context-manager"}, "release is None in one and context-manager in the other: "),
        ({"target": "compose"}, "target is local in one and compose in the other: "),
    ],
)
def test_other_questions_are_refused(changed: dict[str, Any], said: str) -> None:
    assert refusal(run(), run(**changed)) == f"{said}compare runs that asked the same"
    assert refusal(run(), run(seed=9, repeat=20, profile="standard", tracing=True)) is None


def test_runs_with_nothing_in_common_are_refused() -> None:
    assert refusal(run("one"), run("ramp")) == (
        "they have no scenario of the same service in common: run B with A's -x and -s"
    )


def test_what_differs_around_is_said_line_by_line() -> None:
    a, b = run(), run(tracing=True)
    around = replace(
        b.environment,
        cpu="Another CPU",
        cores=8,
        python="3.13.0",
        postgres="17.1",
        commit="feed123",
        dirty=True,
        versions={"asyncpg": "0.33.0", "flask": "3.1.3"},
    )
    assert surroundings(a, replace(b, environment=around)) == (
        "cpu: Some CPU in A, Another CPU in B",
        "cores: 2 in A, 8 in B",
        "python: 3.11.2 in A, 3.13.0 in B",
        "postgres: 18.4 in A, 17.1 in B",
        "asyncpg: 0.32.0 in A, 0.33.0 in B",
        "flask: none in A, 3.1.3 in B",
        "psycopg: 3.3.9 in A, none in B",
        "commit: 0123abc in A, feed123 in B",
        "tracing: on in B, off in A",
        "files differed from the commit in B",
    )
    assert surroundings(a, a) == ()
