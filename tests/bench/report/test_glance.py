"""A run at a glance: its marks, and its verdicts in words."""

from dataclasses import replace
from typing import Any

import pytest

from bench.record.readings import CpuSeconds
from bench.record.summary import Comparison
from bench.report import glance, verdicts
from bench.report.view import View
from bench.report.view import view_of as view_of_metrics
from tests.bench import made
from tests.bench.report.stored import metrics_of, stored, view_of

A, B, C = made.SERVICES
BUSY = CpuSeconds(generator=0.1, service=0.1, postgres=1.5, harness=0.1, other=0.1, available=2.0)


def found(a: str, b: str, verdict: Any, scenario: str = "one", better: str | None = None, why: str = "") -> Comparison:
    return Comparison(scenario=scenario, a=a, b=b, metric="ok", repetitions=10, verdict=verdict, better=better, why=why)


def judged(scenarios: tuple[str, ...], *comparisons: Comparison) -> View:
    view = view_of(stored(*(made.cell(name, who) for name in scenarios for who in made.SERVICES)))
    return View(view.run, replace(view.summary, comparisons=comparisons), {})


def figures(view: View, **asked: Any) -> dict[str, tuple[str, ...]]:
    """Scenario → its figures, with the marks of each stack."""
    table = glance.glance(view, alone=True, **asked)
    return {row[0]: tuple(text.replace("\N{NO-BREAK SPACE}", " ") for text in row[2:]) for row in table.rows}


def test_a_line_for_each_scenario_with_medians_alone() -> None:
    cells = [made.cell("burst-10", A, repetition) for repetition in range(5)]
    view = view_of(stored(*cells, made.cell("leak-kept", B, status="failed", why="it died")))

    assert figures(view) == {"burst-10": ("200", "200", "not run"), "leak-kept": ("", "not run", "failed")}
    assert figures(view, forecast=False)["burst-10"] == ("200", "not run")
    assert glance.glance(view, alone=True).notes == ("medians; --details and a wider terminal show intervals",)


def test_intervals_stand_beside_the_medians_and_are_explained() -> None:
    cells = [made.cell("burst-10", A, nth) for nth in range(5)] + [made.cell("burst-10", B, nth) for nth in range(4)]
    table = glance.glance(view_of(stored(*cells)), alone=False)

    assert table.rows[0][3:] == ("200 (200–201)", "200 [200–201]")
    assert table.notes == (
        "(low–high): the 95 % interval of the median over the repetitions",
        "[low–high]: the lowest and the highest repetition",
    )


def test_the_setting_is_said_above_them() -> None:
    view = view_of(stored(made.cell("burst-10"), made.cell("leak-kept")))
    assert glance.glance(view, alone=True).about.startswith("hold 100 ms or a scenario's own · tuning equalised · ")


def test_a_figure_far_from_its_forecast_is_marked() -> None:
    run = stored(*(made.cell(name, who) for name in ("burst-10", "burst-timeout") for who in (A, B)))
    metrics = metrics_of(run)
    metrics["burst-10", A, 0]["latency_ms_p99_all"] = 221.0
    metrics["burst-10", B, 0]["latency_ms_p99_all"] = None
    metrics["burst-timeout", A, 0]["ok"] = 57.0
    metrics["burst-timeout", B, 0]["ok"] = 60.0
    view = view_of_metrics(run.run, metrics)

    assert figures(view) == {"burst-10": ("200", "221 !", "– !"), "burst-timeout": ("55", "57", "60 !")}
    assert glance.glance(view, alone=True).notes == ("! not the forecast: over 10 % from it (served: 2 points)",)


def test_what_the_cpu_or_other_programs_made_of_a_figure_is_marked() -> None:
    busy = replace(BUSY, postgres=0.1, other=1.6)
    view = view_of(stored(made.cell("one", A, cpu=BUSY, load_s=1.0), made.cell("one", B, cpu=busy, load_s=1.0)))

    assert figures(view)["one"] == ("100", "100 *", "100 †")
    assert [note[:6] for note in glance.glance(view, alone=True).notes] == ["* CPU-", "† mach"]


def test_the_better_stack_of_a_line_is_marked() -> None:
    view = judged(("one",), found(A, B, "better", better=B), found(A, C, "equivalent"), found(B, C, "better", better=B))

    assert figures(view)["one"] == ("100", "100", "100 +", "100")
    assert glance.glance(view, alone=True).notes == ("+ better than another stack, and none is better",)


@pytest.mark.parametrize(
    ("pairs", "best"),
    [
        ((), ()),
        (((A, B, A), (A, C, A), (B, C, B)), (A,)),
        (((A, B, None), (A, C, A), (B, C, B)), (A, B)),
    ],
)
def test_a_stack_that_another_is_better_than_is_not_the_best(
    pairs: tuple[tuple[str, str, str | None], ...], best: tuple[str, ...]
) -> None:
    compared = [found(a, b, "better" if who else "undecided", better=who) for a, b, who in pairs]
    assert verdicts.best(compared) == best


def test_verdicts_are_told_in_words() -> None:
    view = judged(
        ("one", "burst-10", "burst-50", "floor", "burst-timeout", "ramp"),
        found(A, B, "better", better=B),
        found(A, C, "undecided"),
        found(A, B, "better", "burst-10", B),
        found(A, B, "equivalent", "burst-50"),
        found(A, C, "undecided", "burst-50"),
        found(A, B, "not judged", "floor", why="it takes no connection"),
        found(A, B, "CPU-bound", "burst-timeout"),
        found(A, B, "equivalent", "ramp"),
        found(A, C, "CPU-bound", "ramp"),
    )

    assert glance.verdict_lines(view) == (
        ("better", "psycopg_pool + Flask: one, burst-10"),
        ("equivalent", "ramp"),
        ("undecided", "burst-50"),
        ("not judged", "floor"),
        ("", "CPU-bound: burst-timeout"),
    )


def test_too_few_repetitions_have_no_verdicts() -> None:
    view = judged(("one",), found(A, B, "not judged", why="1 of the 10 repetitions that it takes"))
    assert glance.verdict_lines(view) == ()
