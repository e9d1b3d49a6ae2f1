"""Charts as files: one chart, a scenario's charts, the README's picture; and all verdicts at a glance."""

import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from bench.errors import UserError
from bench.record.stored import Stored
from bench.record.summary import Comparison
from bench.report.charts import HOVER, charts, hero, picture, verdict_intervals
from bench.report.charts.hero import DRAWN
from bench.report.charts.scenario import scenario_picture
from bench.report.view import View
from tests.bench import made
from tests.bench.report.stored import stored, view_of

A, B, C = made.SERVICES
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter(f"{SVG}text")]


def burst(*services: str) -> Stored:
    return stored(*(made.cell("burst-10", service) for service in services))


def test_a_file_has_title_words_legend_and_panels_under_their_stacks() -> None:
    run = burst(A, B)
    view = view_of(run)
    chart = charts(view, "burst-10", list(run.rows()))[0]

    drawn = picture(chart, stacks=view.stack, scheme="light")

    found = texts(drawn)
    assert found[: 2 + len(chart.legend)] == [chart.title, chart.see, *(words for _, words in chart.legend)]
    assert {"asyncpg + FastAPI", "psycopg_pool + Flask"} <= set(found)
    root = ET.fromstring(drawn)
    assert root.attrib["role"] == "img"
    assert chart.see in root.attrib["aria-label"]
    panels = [nested for nested in root.iter(f"{SVG}svg") if "aria-label" in nested.attrib and nested is not root]
    assert len({nested.attrib["x"] for nested in panels}) == len({nested.attrib["y"] for nested in panels}) + 1 == 2


def test_seven_stacks_stand_in_rows_of_three() -> None:
    services = [f"stack-{nth}" for nth in range(7)]
    run = burst(*services)
    view = view_of(run)
    chart = charts(view, "burst-10", list(run.rows()))[0]

    root = ET.fromstring(picture(chart, stacks=view.stack, scheme="light"))

    panels = [nested for nested in root.iter(f"{SVG}svg") if nested.attrib.get("role") == "img"][1:]
    places = [(panel.attrib["x"], panel.attrib["y"]) for panel in panels]
    assert [len({x for x, _ in places}), len({y for _, y in places}), len(set(places))] == [3, 3, 7]


def test_a_file_has_its_colours_inside_and_nothing_for_a_page() -> None:
    run = burst(A)
    view = view_of(run)
    chart = charts(view, "burst-10", list(run.rows()))[0]

    light, dark = (picture(chart, stacks=view.stack, scheme=scheme) for scheme in ("light", "dark"))

    assert "--chart-paper:#ffffff" in light
    assert "--chart-paper:#0d1117" in dark
    assert "data-" not in light
    assert re.sub(r"<style>.*?</style>", "", light, flags=re.DOTALL) == re.sub(
        r"<style>.*?</style>", "", dark, flags=re.DOTALL
    )


def test_a_scenario_is_one_picture_the_same_each_time() -> None:
    run = burst(A, B)

    drawn = scenario_picture(run, "burst-10")

    assert drawn == scenario_picture(run, "burst-10")
    found = texts(drawn)
    assert found[0].startswith("burst-10: 10 requests at once on 5 connections")
    assert {
        "Each request from its arrival to its end",
        "Connections over time",
        "How long requests wait, all repetitions together",
    } <= set(found)
    assert "repetition" in " ".join(found)


def test_what_was_not_played_cannot_be_drawn() -> None:
    run = stored(made.cell("burst-10"), made.cell("ramp", status="failed"))

    with pytest.raises(UserError, match="no ramp to draw: it has burst-10"):
        scenario_picture(run, "ramp")


def test_where_nothing_waits_nothing_is_worth_drawing() -> None:
    run = stored(made.cell("floor"))

    with pytest.raises(UserError, match="nothing of floor is worth drawing"):
        scenario_picture(Stored.of(run.run, run.requests, run.samples.head(0), ()), "floor")


def leaking(recovers: dict[str, bool]) -> Stored:
    """A leak at 1.5 s; a stack that recovers serves a request after it, another rejects it."""
    run = stored(*(made.cell(DRAWN, service) for service in recovers))
    requests = []
    for cell in run.run.cells:
        after = {"planned_us": 2_000_000, "sent_us": 2_000_000}
        served = {**after, "finished_us": 2_100_000}
        rejected = {
            **after,
            "finished_us": 2_550_000,
            "status": 503,
            "error": "pool_exhausted",
            "acquire_us": 550_000,
            "work_us": 0,
        }
        requests.append(made.requests(cell, [{}, served if recovers[cell.service] else rejected]))
    events = [made.event(cell, 1.5, "leak", "dropped, 1 of 5: 200") for cell in run.run.cells]
    return Stored.of(run.run, pl.concat(requests), run.samples, events)


@pytest.mark.parametrize(
    ("recovers", "title"),
    [
        ({A: False, B: False, C: True}, "2 of 3 stacks never serve again; SQLAlchemy + FastAPI takes them back."),
        ({A: False, B: True, C: True}, "1 of 3 stacks never serve again."),
        ({A: False}, "No stack serves again."),
        ({A: True, B: True}, "Every stack takes them back and serves on."),
    ],
)
def test_the_picture_of_the_readme_says_who_serves_again(recovers: dict[str, bool], title: str) -> None:
    run = leaking(recovers)

    drawn = hero(view_of(run), list(run.rows()), "light")

    found = texts(drawn)
    assert " ".join(found[:2]).startswith(f"5 connections leak. {title}")
    assert {"leak", "served (200)"} <= set(found)
    said = ["2 served, 0 rejected" if again else "1 served, 1 rejected" for again in recovers.values()]
    assert [text for text in found if " served, " in text] == said


def test_a_run_without_leaks_has_no_picture_for_a_readme() -> None:
    run = burst(A)

    with pytest.raises(UserError, match="no leak-dropped to draw"):
        hero(view_of(run), list(run.rows()), "light")


def judged(verdict: Any, percent: float | None, scenario: str = "burst-10", **changed: Any) -> Comparison:
    usual: dict[str, Any] = {"a": A, "b": B, "metric": "ok", "repetitions": 10, "verdict": verdict}
    if percent is not None:
        usual |= {"percent": percent, "percent_low": percent - 1, "percent_high": percent + 1}
    return Comparison(scenario=scenario, **usual | changed)


def with_comparisons(*comparisons: Comparison) -> View:
    view = view_of(burst(A, B))
    view.summary = replace(view.summary, comparisons=comparisons)
    return view


def test_all_verdicts_are_lines_beside_the_margin_a_panel_for_each_pair() -> None:
    chart = verdict_intervals(
        with_comparisons(
            judged("better", -50.0, "tight-loop", better=B),
            judged("equivalent", 0.1),
            judged("undecided", 3.0, b=C, needed=30),
            judged("CPU-bound", None),
        )
    )

    assert chart.see.startswith("Of 4 comparisons 1 better, 1 equivalent, 1 undecided, 1 not judged. ")
    first, second = (panel.svg for panel in chart.panels)
    assert {"tight-loop", "burst-10", "◂ psycopg_pool + Flask", "asyncpg + FastAPI ▸"} <= set(texts_in(first))
    assert "tight-loop: psycopg_pool + Flask better than asyncpg + FastAPI by 50 %" in first
    assert [css for css, _ in chart.legend] == ["c-better", "c-equivalent", "c-undecided", "c-margin"]
    assert 'class="c-undecided"' in second


def texts_in(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_better_ones_lie_on_their_side() -> None:
    chart = verdict_intervals(with_comparisons(judged("better", -50.0, better=B), judged("better", 50.0, better=A)))
    (svg,) = (panel.svg for panel in chart.panels)

    dots = [int(x) for x in re.findall(r'class="c-better c-dot"[^>]* d="M(\d+) ', svg)]
    ((left, right),) = re.findall(r'data-box="(\d+) (\d+) ', svg)

    assert [dot < (int(left) + int(right)) / 2 for dot in dots] == [True, False]


@pytest.mark.parametrize(
    ("comparisons", "see"),
    [
        ((), "Nothing was played."),
        (
            (judged("not judged", None, why="1 of the 10 repetitions"),),
            "No comparison is judged: 1 of the 10 repetitions.",
        ),
    ],
)
def test_where_nothing_is_judged_a_sentence_says_so(comparisons: tuple[Comparison, ...], see: str) -> None:
    chart = verdict_intervals(with_comparisons(*comparisons))

    assert (chart.see, chart.panels) == (see, ())


def test_the_hover_is_plain_javascript() -> None:
    assert "getElementById('tip')" in HOVER
    assert "</script" not in HOVER
