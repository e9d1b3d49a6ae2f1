"""The charts of a scenario: their words, their marks, and what is left out where there is nothing to draw."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from bench.record.schema import Cell, Event
from bench.record.stored import Stored
from bench.report.charts import Chart, charts
from bench.report.view import View
from tests.bench import made
from tests.bench.report.stored import stored, view_of

A, B, C = made.SERVICES
HOLD_US = 100_000


def run_of(
    cells: Sequence[Cell],
    requests: Sequence[list[dict[str, Any]]],
    samples: Sequence[list[dict[str, Any]]] | None = None,
    events: Sequence[Event] = (),
) -> Stored:
    """A run of one scenario whose cells have these requests and samples."""
    services = tuple(dict.fromkeys(cell.service for cell in cells))
    run = made.run(cells, services=services, scenarios=(cells[0].scenario,), repeat=1)
    return Stored.of(
        run,
        pl.concat([made.requests(cell, rows) for cell, rows in zip(cells, requests, strict=True)]),
        pl.concat([made.samples(cell, rows) for cell, rows in zip(cells, samples or [[]] * len(cells), strict=True)]),
        events,
    )


def drawn(run: Stored, view: View | None = None) -> dict[str, Chart]:
    """The charts of its only scenario, by kind."""
    (scenario,) = {cell.scenario for cell in run.run.cells}
    return {chart.kind: chart for chart in charts(view or view_of(run), scenario, list(run.rows()))}


def names(chart: Chart, data: str = "n") -> list[set[str]]:
    """What the marks of each panel are called."""
    return [set(re.findall(f'data-{data}="([^"]*)"', panel.svg)) for panel in chart.panels]


def rows_in(svg: str, css: str) -> int:
    """How many marks a path of this class has."""
    return sum(path.lower().count("m") for path in re.findall(rf'<path class="{css}"[^>]* d="([^"]*)"', svg))


def burst(services: Sequence[str] = (A, B), **plan: Any) -> Stored:
    return stored(*(made.cell("burst-timeout", service) for service in services), **plan)


def test_a_burst_is_a_waterfall_a_pool_a_queue_and_waits() -> None:
    found = drawn(burst())

    assert list(found) == ["waterfall", "pool", "waiting", "waits"]
    assert [[panel.service for panel in chart.panels] for chart in found.values()] == [[A, B], [A, B], [A, B], [""]]


def test_the_waterfall_has_a_line_for_each_request() -> None:
    chart = drawn(burst())["waterfall"]

    assert chart.see == "Every stack: 55 of 100 served, 45 rejected (503)."
    assert [words for _, words in chart.legend] == [
        "waits for a connection, served", "waits for a connection, rejected (503)", "holds a connection",
    ]  # fmt: skip
    for panel in chart.panels:
        # The first five do not wait.
        assert [rows_in(panel.svg, css) for css in ("c-waits", "c-rejected", "c-holds")] == [50, 45, 55]
    assert "100 of 100 requests of one repetition, 55 served, 45 rejected" in chart.panels[0].svg


def test_a_long_run_says_which_requests_are_drawn() -> None:
    cell = made.cell("overload-12")
    sent = [
        {"planned_us": nth * 9000, "sent_us": nth * 9000, "finished_us": nth * 9000 + 100_000} for nth in range(600)
    ]

    chart = drawn(run_of([cell], [sent]))["waterfall"]

    assert chart.see.endswith("Drawn are 100 requests in the middle of the first repetition.")
    assert "100 of 600 requests" in chart.panels[0].svg


def test_of_several_checkouts_waits_and_holds_are_added_up() -> None:
    cell = made.cell("several-short")
    row = {"path": "/api/several?times=5", "acquire_us": 50_000, "finished_us": 150_000}

    found = drawn(run_of([cell], [[row, row]]))

    assert "A request takes several connections in turn: its waits are added up" in found["waterfall"].see
    assert "order" not in found


def test_the_pool_over_time_is_a_median_and_a_band_over_the_repetitions() -> None:
    cells = [made.cell("burst-timeout", repetition=nth) for nth in range(3)]
    samples = [
        [{"t_us": 0, "used": used, "free": 5 - used, "backends": 5, "waiting": 90 + used}, {"t_us": 200_000, "used": 0}]
        for used in (1, 2, 5)
    ]
    requests = [made.fifo_burst(100, 5, HOLD_US, 1_050_000)] * 3

    found = drawn(run_of(cells, requests, samples))

    assert names(found["pool"]) == [{"used", "free", "backends"}]
    assert names(found["pool"], "b") == [{"used"}]
    assert found["pool"].see == (
        "A pool of 5. asyncpg + FastAPI: at most 2 handed out, 0 at the end, 5 backends at the end."
    )
    assert names(found["waiting"]) == [{"waiting"}]
    assert "forecast is 95" in found["waiting"].see


def test_waits_stand_beside_the_forecast_with_how_many_requests_wait_longer() -> None:
    chart = drawn(burst())["waits"]

    assert names(chart) == [{"asyncpg + FastAPI", "psycopg_pool + Flask", "forecast"}]
    assert [css for css, _ in chart.legend] == ["c-s1", "c-s2", "c-forecast"]
    assert {"100 %: 100", "50 %: 50", "0 %: 0"} <= set(re.findall(">([^<]+)</text>", chart.panels[0].svg))
    assert (
        chart.see
        == "Every stack: half of those served wait over 500 ms, 1 in 100 over 1000 ms (45 of 100 are rejected)."
    )


def test_a_perfect_pool_lies_on_its_forecast() -> None:
    svg = drawn(burst([A]))["waits"].panels[0].svg
    measured, forecast = (re.search(rf'class="{css}"[^>]* d="([^"]*)"', svg) for css in ("c-s1", "c-forecast"))
    assert measured
    assert forecast

    ends = [re.findall(r"v(-?\d+)", path[1])[-1] for path in (measured, forecast)]

    assert ends[0] == ends[1]


def test_a_simulation_gives_dots() -> None:
    cell = made.cell("tight-loop")
    foretold = replace(cell.forecast, served=10, timed_out=0, acquire_ms_p50=450.0, acquire_ms_p99=451.0)
    sent = [
        {"sent_us": nth, "finished_us": 500_000 + nth, "acquire_us": 450_000, "work_us": 50_000} for nth in range(10)
    ]

    chart = drawn(run_of([replace(cell, forecast=foretold)], [sent]))["waits"]

    assert ("c-forecast c-dot", "forecast of each repetition: median, p95, p99, longest") in chart.legend
    assert rows_in(chart.panels[0].svg, "c-forecast c-dot") == 2
    assert {"all: 10", "1 in 2: 5", "1 in 10: 1"} <= set(re.findall(">([^<]+)</text>", chart.panels[0].svg))


def test_the_order_of_a_tight_loop_shows_who_was_overtaken() -> None:
    cell = made.cell("tight-loop")
    in_turn = [
        {"sent_us": nth * 1000, "finished_us": nth * 1000 + 150_000, "acquire_us": 100_000, "work_us": 50_000}
        for nth in range(20)
    ]
    late = {"sent_us": 0, "finished_us": 300_000, "acquire_us": 250_000, "work_us": 50_000}
    cells = [cell, replace(cell, service=B)]

    chart = drawn(run_of(cells, [[late, *in_turn[1:]], in_turn]))["order"]

    assert [panel.service for panel in chart.panels] == [A, B]
    assert "asyncpg + FastAPI: 1 of 20 requests overtaken by one that asked later" in chart.see
    assert "psycopg_pool + Flask: none of 20" in chart.see
    assert "up to 1 places early and 19 late" in chart.panels[0].svg


def leaks(**changed: Any) -> Stored:
    cell = made.cell("leak-dropped", **changed)
    after = {"planned_us": 2_000_000, "sent_us": 2_000_000, "finished_us": 2_550_000}
    rejected = {**after, "status": 503, "error": "pool_exhausted", "acquire_us": 550_000, "work_us": 0}
    sent: list[dict[str, Any]] = [{"planned_us": 0}, rejected]
    samples = [
        {"t_us": 0, "used": 0, "free": 5, "backends": 5},
        {"t_us": 1_900_000, "used": 5, "free": 0, "backends": 5, "waiting": 1},
    ]
    events = [
        made.event(cell, 1.5, "leak", "dropped, 1 of 5: 200"),
        made.event(cell, 4.0, "release_leaks", "0 given back"),
    ]
    return run_of([cell], [sent], [samples], events)


def test_answers_and_capacity_stand_around_a_fault_that_is_marked() -> None:
    chart = drawn(leaks())["answers"]

    assert names(chart, "c") == [{"served", "rejected"}]
    assert names(chart) == [{"possible"}]
    assert [css for css, _ in chart.legend] == ["c-served", "c-rejected", "c-usable"]
    assert ">leak</text>" in chart.panels[0].svg
    assert ">release</text>" not in chart.panels[0].svg, "nothing was given back"
    assert chart.see == "asyncpg + FastAPI: 1 of 2 served, 1 rejected (503), none served after the leak."


def test_without_a_fault_there_are_no_answers_over_time() -> None:
    assert "answers" not in drawn(burst())


def test_the_same_run_gives_the_same_charts() -> None:
    assert drawn(burst()) == drawn(burst())


def test_every_panel_says_what_it_shows() -> None:
    panels = [panel for run in (burst(), leaks()) for chart in drawn(run).values() for panel in chart.panels]

    assert len(panels) > 8
    for panel in panels:
        assert re.match(r'<svg class="chart" viewBox="0 0 \d+ \d+" role="img" aria-label="[^"]{20,}"', panel.svg)
        assert '<path class="c-' in panel.svg


def test_a_pool_that_was_not_looked_at_has_no_picture_over_time() -> None:
    run = burst()
    blind = Stored.of(run.run, run.requests, run.samples.head(0), ())

    assert list(drawn(blind)) == ["waterfall", "waits"]


def test_a_service_elsewhere_that_does_not_say_how_long_it_waited() -> None:
    run = burst([A])
    silent = run.requests.with_columns(
        pl.lit(None, pl.Int64).alias(name) for name in ("acquire_us", "work_us", "release_us", "app_us")
    )

    found = drawn(Stored.of(run.run, silent, run.samples, ()))

    assert "waits" not in found
    assert found["waterfall"].see.startswith("asyncpg + FastAPI: 55 of 100 served")


@pytest.mark.parametrize("status", ["failed", "skipped", "rejected"])
def test_what_has_no_figures_has_no_charts(status: Any) -> None:
    run = stored(made.cell("burst-timeout"), made.cell("burst-timeout", B))
    cells = tuple(replace(cell, status=status) for cell in run.run.cells)

    assert drawn(Stored.of(replace(run.run, cells=cells), run.requests, run.samples, ())) == {}


def test_a_stack_that_failed_is_left_out_beside_one_that_did_not() -> None:
    run = stored(made.cell("burst-timeout"), made.cell("burst-timeout", B, status="failed"))

    found = drawn(run)

    assert {panel.service for chart in found.values() for panel in chart.panels} == {A, ""}
    assert [chart.see.endswith("Without psycopg_pool + Flask (failed).") for chart in found.values()] == [True] * 4


def test_no_request_at_all() -> None:
    cell = made.cell("burst-timeout")

    assert drawn(run_of([cell], [[]])) == {}


def test_what_takes_no_connection_has_no_charts() -> None:
    cell = made.cell("floor")

    assert drawn(run_of([cell], [[{"path": "/api/noop"}, {"path": "/api/noop"}]])) == {}


def test_one_request_that_does_not_wait_has_no_charts() -> None:
    assert drawn(run_of([made.cell("one")], [[{}]], [[{"t_us": 0, "used": 1, "free": 4, "waiting": 0}]])) == {}


def test_on_the_pool_alone_stacks_are_called_by_their_pools() -> None:
    found = drawn(burst([A], layer="pool"))

    assert found["waits"].legend[0] == ("c-s1", "asyncpg.Pool")
