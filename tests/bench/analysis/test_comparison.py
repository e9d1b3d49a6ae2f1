"""Verdicts, from values made by hand."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.comparison import compare, holm
from bench.metrics.model import Metrics
from bench.record.summary import Comparison
from bench.scenarios.catalogue import SCENARIOS

TEN = (100.0, 101, 102, 103, 104, 105, 106, 107, 108, 109)


def cell(primary: str, value: float | None, **changed: Any) -> Metrics:
    return {"share_served": 1.0, "goodput_per_s": 50.0, "cpu_bound": 0.0, primary: value} | changed


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
    assert only(cells("burst-10", a=TEN, b=[value + 10 for value in TEN])) == Comparison(
        scenario="burst-10",
        a="a",
        b="b",
        metric="latency_ms_p99_all",
        repetitions=10,
        verdict="better",
        better="a",
        a_median=104.5,
        b_median=114.5,
        difference=-10,
        low=-10,
        high=-10,
        percent=100 * 10 / 114.5,
        percent_low=100 * 10 / 114.5,
        percent_high=100 * 10 / 114.5,
        p_value=2 / 1024,
        level=0.05,
    )


def test_what_takes_no_connection_judges_no_pool() -> None:
    found = only(cells("floor", a=TEN, b=[value + 10 for value in TEN]))
    assert (found.verdict, found.why) == (
        "not judged",
        "it takes no connection, and frameworks are not what is compared here",
    )


def test_more_is_better_where_requests_are_served() -> None:
    found = only(cells("leak-dropped", a=[39] * 10, b=[150] * 10))
    assert (found.verdict, found.better, found.difference) == ("better", "b", -111)
    assert found.percent == found.percent_low == found.percent_high == pytest.approx(-100 * 111 / 39)


def test_equal_values_are_a_tie() -> None:
    found = only(cells("burst-timeout", a=[55] * 10, b=[55] * 10))
    assert (found.verdict, found.better, found.difference, found.low, found.high) == ("tie", None, 0, 0, 0)


def test_a_certain_difference_under_the_threshold_is_a_tie() -> None:
    found = only(cells("burst-timeout", a=[100] * 10, b=[99] * 10))
    assert (found.verdict, found.p_value) == ("tie", 2 / 1024)
    assert found.percent == pytest.approx(100 / 99)
    assert only(cells("burst-timeout", a=[102] * 10, b=[99] * 10)).verdict == "better"


def test_a_large_difference_with_zero_in_its_interval_is_a_tie() -> None:
    apart = [30, 40, 50, 60, 20, 30, 40, -60, -20, -30]
    found = only(cells("burst-timeout", a=[100 + each for each in apart], b=[100] * 10))
    assert found.verdict == "tie"
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0 < found.high


def test_none_served_is_worse_than_any() -> None:
    found = only(cells("leak-dropped", a=[0] * 10, b=[150] * 10))
    assert (found.better, found.difference, found.percent) == ("b", -150, None)


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
    ("share", "metric", "better"), [(0.98, "latency_ms_p99_all", "a"), (0.97, "goodput_per_s", "b")]
)
def test_waits_are_compared_where_as_many_were_served(share: float, metric: str, better: str) -> None:
    metrics = cells("burst-10", a=[50] * 10, b=[100] * 10)
    for repetition in range(10):
        metrics["burst-10", "a", repetition] |= {"share_served": share, "goodput_per_s": 40.0}
    found = only(metrics)
    assert (found.metric, found.better) == (metric, better)
    assert found.why == ("" if share == 0.98 else "goodput, because 97 % and 100 % were served")


def test_a_wait_that_was_longer_than_the_load_leaves_goodput() -> None:
    found = only(cells("burst-10", a=[*TEN[:9], None], b=TEN))
    assert (found.metric, found.verdict) == ("goodput_per_s", "tie")
    assert found.why == "goodput, because the metric lies beyond the load's end in some repetitions"


def test_the_correction_counts_what_could_have_a_winner_and_nothing_else() -> None:
    metrics = cells("leak-dropped", a=[39] * 10, b=[150] * 10, c=[39] * 10) | cells("burst-50", a=TEN, b=TEN, c=TEN)
    found = compare(("leak-dropped", "burst-50"), ("a", "b", "c"), metrics)
    assert [(each.a, each.b, each.better, each.level) for each in found[:3]] == [
        ("a", "b", "b", 0.025),
        ("a", "c", None, 0.05),
        ("b", "c", "b", 0.025),
    ]
    assert {(each.verdict, each.level) for each in found[3:]} == {("tie", 0.05)}


def test_too_many_comparisons_for_the_repetitions_are_said() -> None:
    services = [f"s{number}" for number in range(8)]
    values = {name: [100.0 * (number + 1)] * 10 for number, name in enumerate(services)}
    found = compare(("leak-dropped",), services, cells("leak-dropped", **values))
    assert {each.verdict for each in found} == {"not judged"}
    assert {each.why for each in found} == {"28 comparisons at once take 11 repetitions"}
    longer = {name: [*of, of[0]] for name, of in values.items()}
    assert {each.verdict for each in compare(("leak-dropped",), services, cells("leak-dropped", **longer))} == {
        "better"
    }


def test_levels_after_holm() -> None:
    assert holm([0.03, 0.001, 0.012], 0.03) == [0.03, 0.01, 0.015]
    assert holm([0.03, 0.001, 0.02], 0.03) == [0.015, 0.01, 0.015]
    assert holm([0.01, 0.01, 0.01, 0.02], 0.04) == [0.01, 0.01, 0.01, 0.04]
    assert holm([]) == []


values = st.lists(st.integers(0, 200), min_size=10, max_size=12)
shifted = st.builds(
    lambda drawn, shift: [max(0, value + shift) for value in drawn], values, st.sampled_from([-150, 0, 150])
)
"""Often so far from `values` that there is a winner."""


@given(st.sampled_from(["burst-10", "burst-timeout", "ramp"]), values, shifted)
def test_the_other_way_round_a_verdict_is_mirrored(scenario: str, a: list[float], b: list[float]) -> None:
    metrics = cells(scenario, a=a, b=b)
    one, other = only(metrics, ("a", "b")), only(metrics, ("b", "a"))
    assert (one.verdict, one.better, one.why, one.p_value, one.level) == (
        other.verdict,
        other.better,
        other.why,
        other.p_value,
        other.level,
    )
    assert (one.a_median, one.b_median) == (other.b_median, other.a_median)
    for mine, theirs in (("difference", "difference"), ("low", "high"), ("percent", "percent")):
        left, right = getattr(one, mine), getattr(other, theirs)
        assert (left is None and right is None) or left == pytest.approx(-right)


@given(values, values, st.integers(1, 9))
def test_too_few_repetitions_never_name_a_winner(a: list[float], b: list[float], repetitions: int) -> None:
    found = only(cells("burst-timeout", a=a[:repetitions], b=b[:repetitions]))
    assert (found.verdict, found.better, found.p_value) == ("not judged", None, None)


@given(values, shifted)
def test_a_winner_has_zero_outside_its_interval_and_the_better_median_difference(
    a: list[float], b: list[float]
) -> None:
    found = only(cells("burst-timeout", a=a, b=b))
    if found.verdict == "better":
        assert found.low is not None
        assert found.high is not None
        assert found.low > 0 if found.better == "a" else found.high < 0


def test_pairs_come_in_the_order_of_the_plan() -> None:
    metrics = cells("burst-50", a=TEN, b=TEN, c=TEN)
    found = compare(("burst-50",), ("c", "a", "b"), metrics)
    assert [(each.a, each.b) for each in found] == list(combinations(("c", "a", "b"), 2))
