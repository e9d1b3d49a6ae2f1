"""Every metric that is computed is described, and every one that is described is computed."""

import math
import re

import pytest

from bench.analysis.cells import cell_metrics
from bench.analysis.forecast import expected
from bench.metrics.model import Metric
from bench.metrics.registry import GROUPS, METRICS, why_no_primary
from bench.scenarios.catalogue import SCENARIOS
from tests.bench import made


@pytest.mark.parametrize("scenario", ["floor", "burst-timeout", "tight-loop", "leak-kept", "outage-killed"])
def test_a_cell_has_the_metrics_of_the_registry_and_no_others(scenario: str) -> None:
    cell = made.cell(scenario)
    for sent in (0, 1):
        assert cell_metrics(cell, made.requests(cell, [{}] * sent), made.samples(cell)).keys() == METRICS.keys()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_is_forecast_is_measured(scenario: str) -> None:
    assert expected(made.cell(scenario)).keys() <= METRICS.keys()


def test_names_and_titles_are_unique() -> None:
    every = [metric for group in GROUPS.values() for metric in group]
    assert len({metric.name for metric in every}) == len({metric.title for metric in every}) == len(every)


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: str(metric.name))
def test_an_entry_is_whole(metric: Metric) -> None:
    assert re.fullmatch(r"[A-Z1].*[^.]\.", metric.text), "one sentence"
    assert not metric.beyond or metric.missing, "a word for a missing value needs the reason that it is missing"
    if metric.uncorrected:
        beside = METRICS[metric.uncorrected]
        assert (beside.unit, beside.better, beside.beyond) == (metric.unit, metric.better, metric.beyond)


def test_titles_have_the_unit() -> None:
    assert METRICS["goodput_per_s"].title == METRICS["goodput_per_s"].short_title == "goodput (1/s)"
    assert METRICS["latency_ms_p99_all"].title == "latency p99, all (ms)"
    assert METRICS["latency_ms_p99_all"].short_title == "latency p99, ms"
    assert METRICS["latency_uncorrected_ms_p99_all"].short_title == "… from sending, ms"
    assert METRICS["ok"].title == "served"
    assert METRICS["jain_index"].short_title == "Jain's index"


def test_what_is_missing_is_not_known_or_lies_beyond_the_end_of_the_load() -> None:
    assert METRICS["latency_ms_p99_served"].measured(None) is None
    assert METRICS["latency_ms_p99_all"].measured(None) == METRICS["recovered_s"].measured(None) == math.inf
    assert METRICS["recovered_s"].measured(1.5) == 1.5


def test_more_is_better_or_less_is() -> None:
    assert METRICS["ok"].higher_is_better
    assert not METRICS["latency_ms_p99_all"].higher_is_better
    with pytest.raises(AssertionError, match="more sent is neither better nor worse"):
        assert METRICS["sent"].higher_is_better


def test_stacks_are_compared_by_a_metric_that_has_a_better_direction() -> None:
    assert why_no_primary("ok") == ""
    assert why_no_primary("jain") == "jain is no metric: take one of docs/metrics.md"
    assert why_no_primary("skew_ms").startswith("more skew_ms is neither better nor worse: ")
