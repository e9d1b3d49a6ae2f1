"""Verdicts, from values made by hand."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.analysis.comparison import compare, holm
from bench.analysis.rule import ALPHA
from bench.metrics.model import Metrics
from bench.record.summary import Comparison
from bench.scenarios.catalogue import SCENARIOS
from services.contrasts import Contrast, Layer

TEN = (100.0, 101, 102, 103, 104, 105, 106, 107, 108, 109)
LAYERS: dict[Layer, str] = {"http": "pool", "pool": "concurrency"}
SENT = 150
"""Of what is counted, in each cell."""


def near(value: Any) -> Any:
    """What is equal but for rounding."""
    return pytest.approx(value)


def cell(primary: str, value: float | None, **changed: Any) -> Metrics:
    share = value / SENT if primary == "ok" and value is not None else 1.0
    return {"share_served": share, "cpu_bound": 0.0, primary: value} | changed


def cells(scenario: str, **values: Sequence[float | None]) -> dict[tuple[str, str, int], Metrics]:
    primary = SCENARIOS[scenario].primary
    return {
        (scenario, service, repetition): cell(primary, value)
        for service, of in values.items()
        for repetition, value in enumerate(of)
    }


def only(metrics: Mapping[tuple[str, str, int], Metrics], services: Sequence[str] = ("a", "b")) -> Comparison:
    (found,) = compare(tuple({key[0]: None for key in metrics}), services, metrics)
    return found


def test_a_whole_comparison() -> None:
    """A tenth slower in every repetition: of the slower one that is 1 − 1/1.1."""
    slower = [value * 1.1 for value in TEN]
    assert only(cells("burst-10", a=TEN, b=slower)) == Comparison(
        scenario="burst-10",
        a="a",
        b="b",
        metric="latency_ms_p99_all",
        repetitions=10,
        verdict="better",
        better="a",
        a_median=104.5,
        b_median=near(114.95),
        percent=near(100 / 11),
        percent_low=near(100 / 11),
        percent_high=near(100 / 11),
        p_value=0,
        p_wilcoxon=2 / 1024,
        level=ALPHA,
        finds=1.0,
        false_winner=near(1 - 0.05 ** (1 / 1000)),
    )


def test_what_takes_no_connection_judges_no_pool() -> None:
    found = only(cells("floor", a=TEN, b=[value + 10 for value in TEN]))
    assert (found.verdict, found.why) == (
        "not judged",
        "it takes no connection, and frameworks are not what is compared here",
    )


def test_more_goodput_is_better_by_a_share_of_the_worse_one() -> None:
    found = only(cells("ramp", a=[50.0] * 10, b=[40.0] * 10))
    assert (found.better, found.scale, found.percent) == ("a", "ratio", near(25))
    back = only(cells("ramp", a=[40.0] * 10, b=[50.0] * 10))
    assert (back.better, back.percent) == ("b", near(-25))


def test_where_shares_served_differ_they_are_judged_and_told_in_points() -> None:
    found = only(cells("leak-dropped", a=[39] * 10, b=[150] * 10))
    assert (found.verdict, found.better, found.metric, found.scale) == ("better", "b", "share_served", "points")
    assert found.percent == found.percent_low == found.percent_high == near(-74)
    assert found.why == "100 % and 26 % were served"


def test_what_is_the_same_in_every_repetition_is_equivalent() -> None:
    found = only(cells("burst-timeout", a=[55] * 10, b=[55] * 10))
    assert (found.verdict, found.better, found.percent, found.percent_low, found.percent_high) == (
        "equivalent", None, 0, 0, 0,
    )  # fmt: skip


def test_a_certain_difference_within_the_margin_is_equivalent_and_one_at_the_margin_undecided() -> None:
    assert only(cells("ramp", a=[101.0] * 10, b=[100.0] * 10)).verdict == "equivalent"
    assert only(cells("ramp", a=[103.0] * 10, b=[100.0] * 10)).verdict == "better"
    assert only(cells("burst-timeout", a=[SENT] * 10, b=[SENT - 1] * 10)).verdict == "equivalent"
    at_it = only(cells("burst-timeout", a=[SENT] * 10, b=[SENT - 3] * 10))
    assert (at_it.verdict, at_it.needed, at_it.percent) == ("undecided", None, near(2))
    beyond = only(cells("burst-timeout", a=[SENT] * 10, b=[SENT - 4] * 10))
    assert (beyond.verdict, beyond.metric) == ("better", "share_served")


def test_a_large_difference_that_may_be_chance_is_undecided() -> None:
    apart = [30, 40, 50, 60, 20, 30, 40, -60, -20, -30]
    found = only(cells("burst-10", a=[100.0 + each for each in apart], b=[100.0] * 10))
    assert (found.verdict, found.better) == ("undecided", None)
    assert found.percent_low is not None
    assert found.percent_high is not None
    assert found.percent_low < 0 < found.percent_high
    assert found.finds is not None
    assert found.finds < 0.1


def test_what_is_undecided_says_how_many_repetitions_would_decide_it() -> None:
    """Differences of 4 %, give or take 4.5: ten repetitions are too few, and some more are enough."""
    apart = [0.01, 0.10, -0.03, 0.08, 0.04, 0.00, 0.09, -0.02, 0.05, 0.08]
    found = only(cells("burst-10", a=[100.0] * 10, b=[100 * math.exp(each) for each in apart]))
    assert found.verdict == "undecided"
    assert found.needed in (20, 25, 30, 40)


def test_none_served_is_worse_than_any() -> None:
    found = only(cells("leak-dropped", a=[0] * 10, b=[150] * 10))
    assert (found.better, found.percent) == ("b", -100)


def test_a_figure_of_zero_has_no_ratio() -> None:
    found = only(cells("ramp", a=[0.0] * 10, b=[1.0] * 10))
    assert (found.verdict, found.why) == ("not judged", "a figure of 0 has no ratio")


@pytest.mark.parametrize("repetitions", [1, 9])
def test_under_ten_repetitions_there_is_no_winner(repetitions: int) -> None:
    found = only(cells("leak-dropped", a=[39] * repetitions, b=[150] * repetitions))
    assert (found.verdict, found.better) == ("not judged", None)
    assert found.why == f"{repetitions} of the 10 repetitions that it takes"


def test_a_repetition_counts_where_both_were_played_and_neither_was_bound_by_the_cpu() -> None:
    metrics = cells("leak-dropped", a=[39] * 12, b=[150] * 12)
    del metrics["leak-dropped", "a", 3]
    metrics["leak-dropped", "b", 5]["cpu_bound"] = 1.0
    assert (only(metrics).repetitions, only(metrics).better) == (10, "b")
    metrics["leak-dropped", "a", 6]["cpu_bound"] = 1.0
    found = only(metrics)
    assert (found.verdict, found.why) == ("not judged", "9 of the 10 repetitions that it takes, without 2 CPU-bound")
    metrics["leak-dropped", "a", 7]["machine_busy"] = 1.0
    assert only(metrics).why == "8 of the 10 repetitions that it takes, without 2 CPU-bound, 1 machine busy"


def test_what_was_measured_on_a_busy_machine_is_not_compared() -> None:
    metrics = cells("leak-dropped", a=[39] * 10, b=[150] * 10)
    for repetition in range(10):
        metrics["leak-dropped", "a", repetition]["machine_busy"] = 1.0
    found = only(metrics)
    assert (found.verdict, found.better, found.why) == ("not judged", None, "machine busy, not compared")


def test_what_is_bound_by_the_cpu_is_not_compared() -> None:
    metrics = cells("leak-dropped", a=[39] * 10, b=[150] * 10)
    for repetition in range(10):
        metrics["leak-dropped", "a", repetition]["cpu_bound"] = 1.0
    found = only(metrics)
    assert (found.verdict, found.better, found.why, found.repetitions) == (
        "CPU-bound",
        None,
        "CPU-bound, not compared",
        0,
    )


@pytest.mark.parametrize(
    ("share", "metric", "better"), [(0.98, "latency_ms_p99_all", "a"), (0.97, "share_served", "b")]
)
def test_waits_are_compared_where_as_many_were_served(share: float, metric: str, better: str) -> None:
    metrics = cells("burst-10", a=[50] * 10, b=[100] * 10)
    for repetition in range(10):
        metrics["burst-10", "a", repetition]["share_served"] = share
    found = only(metrics)
    assert (found.metric, found.better) == (metric, better)
    assert found.why == ("" if share == 0.98 else "100 % and 97 % were served")


def test_a_share_that_took_the_place_of_the_figure_is_never_equivalent() -> None:
    """Three points either way by turns: the median distance is above the margin, and the estimate is zero."""
    metrics = cells("burst-10", a=TEN, b=TEN)
    for repetition in range(10):
        metrics["burst-10", "ab"[repetition % 2], repetition]["share_served"] = 0.979
    found = only(metrics)
    assert (found.metric, found.verdict, found.needed) == ("share_served", "undecided", None)


def test_a_wait_that_was_longer_than_the_load_leaves_the_share_served() -> None:
    found = only(cells("burst-10", a=[*TEN[:9], None], b=TEN))
    assert (found.metric, found.verdict) == ("share_served", "undecided")
    assert found.why == "latency p99, all is not served in some repetitions"


def test_starved_users_are_judged_before_any_wait_and_before_the_share_served() -> None:
    metrics = cells("tight-loop", a=[450.0] * 10, b=[400.0] * 10)
    for (_, service, _), values in metrics.items():
        values["starved_share"] = 0.9 if service == "b" else 0.0
        values["share_served"] = 0.8 if service == "b" else 1.0
    found = only(metrics)
    assert (found.metric, found.better, found.percent) == ("starved_share", "a", near(90))
    assert found.why == "0 % and 90 % of users were served under half the mean"
    for values in metrics.values():
        values |= {"starved_share": 0.01, "share_served": 1.0}
    found = only(metrics)
    assert (found.metric, found.better) == ("longest_wait_ms", "b")


def test_the_correction_counts_what_differs_at_all() -> None:
    metrics = cells("leak-dropped", a=[39] * 10, b=[150] * 10, c=[39] * 10) | cells("burst-50", a=TEN, b=TEN, c=TEN)
    found = compare(("leak-dropped", "burst-50"), ("a", "b", "c"), metrics)
    assert [(each.a, each.b, each.better, each.level) for each in found[:3]] == [
        ("a", "b", "b", ALPHA / 2),
        ("a", "c", None, ALPHA),
        ("b", "c", "b", ALPHA / 2),
    ]
    assert {(each.verdict, each.level) for each in found[3:]} == {("equivalent", ALPHA)}


def test_many_comparisons_can_be_won_with_ten_repetitions() -> None:
    services = [f"s{number}" for number in range(8)]
    values = {name: [100.0 * 1.5**number + each for each in range(10)] for number, name in enumerate(services)}
    found = compare(("burst-10",), services, cells("burst-10", **values))
    assert len(found) == 28
    assert {each.verdict for each in found} == {"better"}


def test_only_planned_pairs_of_known_stacks_are_compared_and_all_with_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.contrasts.CONTRASTS", (Contrast(a="a", b="b"), Contrast(a="c", b="b")))
    metrics = cells("burst-50", a=TEN, b=TEN, c=TEN, mine=TEN)
    found = compare(("burst-50",), ("a", "b", "c", "mine"), metrics)
    assert [(each.a, each.b) for each in found] == [("a", "b"), ("c", "b"), ("a", "mine"), ("b", "mine"), ("c", "mine")]


def test_another_version_is_compared_with_the_locked_one_and_with_nothing_else() -> None:
    names = ("asyncpg_fastapi", "asyncpg_fastapi@asyncpg==0.31.0", "asyncpg_fastapi@asyncpg==0.30.0", "mine")
    found = compare(("burst-50",), names, cells("burst-50", **dict.fromkeys(names, TEN)))
    assert [(each.a, each.b) for each in found] == [
        (names[0], names[1]),
        (names[0], names[2]),
        (names[0], names[3]),
    ]


def test_a_contrast_is_made_in_its_own_scenarios_and_says_what_it_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    contrast = Contrast(a="a", b="b", factor="pool", alone="concurrency", scenarios=frozenset({"burst-50"}))
    monkeypatch.setattr("services.contrasts.CONTRASTS", (contrast,))
    metrics = cells("burst-50", a=TEN, b=TEN) | cells("burst-10", a=TEN, b=TEN)

    for layer, factor in LAYERS.items():
        found = compare(("burst-50", "burst-10"), ("a", "b"), metrics, layer)
        assert [(each.scenario, each.factor) for each in found] == [("burst-50", factor)]


def test_levels_after_holm() -> None:
    assert holm([0.03, 0.001, 0.012], 0.03) == [0.03, 0.01, 0.015]
    assert holm([0.03, 0.001, 0.02], 0.03) == [0.015, 0.01, 0.015]
    assert holm([0.01, 0.01, 0.01, 0.02], 0.04) == [0.01, 0.01, 0.01, 0.04]
    assert holm([]) == []


values = st.lists(st.integers(1, 200), min_size=10, max_size=12)
shifted = st.builds(lambda drawn, factor: [value * factor for value in drawn], values, st.sampled_from([0.01, 1, 100]))
"""Often so far from `values` that there is a winner."""


@settings(max_examples=25)
@given(st.sampled_from(["burst-10", "ramp"]), values, shifted)
def test_the_other_way_round_a_verdict_is_mirrored(scenario: str, a: list[float], b: list[float]) -> None:
    metrics = cells(scenario, a=a, b=b)
    one, other = only(metrics, ("a", "b")), only(metrics, ("b", "a"))
    assert (one.verdict, one.better, one.why, one.p_wilcoxon, one.level) == (
        other.verdict,
        other.better,
        other.why,
        other.p_wilcoxon,
        other.level,
    )
    assert (one.a_median, one.b_median) == (other.b_median, other.a_median)
    assert (one.percent, one.percent_low, one.percent_high) == near(
        tuple(-(each or 0) for each in (other.percent, other.percent_high, other.percent_low))
    )


@given(values, values, st.integers(1, 9))
def test_too_few_repetitions_never_name_a_winner(a: list[float], b: list[float], repetitions: int) -> None:
    found = only(cells("burst-10", a=a[:repetitions], b=b[:repetitions]))
    assert (found.verdict, found.better, found.p_value) == ("not judged", None, None)


@given(values, shifted)
def test_a_verdict_agrees_with_its_interval(a: list[float], b: list[float]) -> None:
    found = only(cells("ramp", a=a, b=b))
    assert found.percent_low is not None
    assert found.percent_high is not None
    match found.verdict:
        case "better":
            assert found.percent_low > 0 if found.better == "a" else found.percent_high < 0
        case "equivalent":
            assert -2 < found.percent_low <= found.percent_high < 2


def test_pairs_come_in_the_order_of_the_plan() -> None:
    metrics = cells("burst-50", a=TEN, b=TEN, c=TEN)
    found = compare(("burst-50",), ("c", "a", "b"), metrics)
    assert [(each.a, each.b) for each in found] == list(combinations(("c", "a", "b"), 2))
