"""The table of what came out other than forecast."""

from dataclasses import replace

import pytest

from bench.record.readings import CpuSeconds
from bench.record.schema import Cell
from bench.report.formats.markdown import table_text as markdown_text
from bench.report.formats.terminal import table_text as terminal_text
from bench.report.residuals import residual_table, signed
from bench.report.screen import USUAL
from bench.report.table import Table
from tests.bench import made
from tests.bench.report.stored import stored, view_of

BUSY = CpuSeconds(generator=0.1, service=0.1, postgres=1.5, harness=0.1, other=0.1, available=2.0)


def residuals_of(*cells: Cell) -> Table | None:
    return residual_table(view_of(stored(*cells)))


def table_of(*cells: Cell) -> Table:
    table = residuals_of(*cells)
    assert table is not None
    return table


def slower(cell: Cell) -> Cell:
    """Forecast with an overhead of 1.25 ms in each hold, so that a perfect pool is faster than that."""
    said = cell.forecast
    own = replace(said, hold_ms=101.25, wall_s=0.2025, goodput_per_s=49.4)
    return replace(cell, forecast=own, ideal=said)


def test_a_whole_table() -> None:
    cells = [slower(made.cell("burst-10")), made.cell("burst-10", "psycopg_flask", status="failed", why="it died")]
    assert table_of(made.cell("leak-kept"), *cells) == Table(
        title="Measured less forecast",
        about="the median over the repetitions; each cell against its own forecast",
        headers=("scenario", "forecast", "asyncpg + FastAPI", "psycopg_pool + Flask"),
        rows=(
            (
                "burst-10",
                "arithmetic",
                # 50/s and 49.4/s; 0 and 100 ms, and one hold is 101.25; the sampler of the test saw 9 wait, not 5.
                "goodput +1.21 %\nwait p50 0 ms\nwait p99 −1.25 ms\nqueue +4",
                "failed",
            ),
        ),
        notes=(
            "A wait that is shorter than forecast began late: the request was in the server queue until then.",
            "The forecasts have the overhead of the baseline in each hold (ms): asyncpg + FastAPI 1.25.",
            "What is left is hand-off, HTTP, and the order in which requests are served.",
        ),
    )


def test_the_median_of_the_repetitions_is_shown() -> None:
    """Repetitions of the test are 0, 0.1 and 0.2 % slower: the last batch waits 1000, 1001 and 1002 ms."""
    table = table_of(*(made.cell(repetition=repetition) for repetition in range(3)))
    assert table.rows[0][2].splitlines()[2] == "wait p99 +1 ms"
    assert table.notes[1] == "The forecasts were made with the hold as asked for."


def test_a_cell_that_is_bound_by_the_cpu_is_marked() -> None:
    table = table_of(made.cell(cpu=BUSY, load_s=1.0), made.cell("leak-kept", cpu=BUSY, load_s=1.0))
    assert [row[0] for row in table.rows] == ["burst-timeout"]
    assert table.rows[0][2].endswith("\nCPU-bound")


def test_it_fits_a_terminal_and_stays_a_row_in_markdown() -> None:
    table = table_of(*(made.cell(service=service, cpu=BUSY, load_s=1.0) for service in made.SERVICES))
    assert max(map(len, terminal_text(table).splitlines())) <= USUAL
    row = next(line for line in markdown_text(table, 2).splitlines() if line.startswith("| burst-timeout"))
    assert row.count("goodput 0 %<br>wait p50 0 ms<br>wait p99 0 ms<br>queue −86<br>CPU-bound") == 3


def test_a_run_without_forecasts_has_no_table() -> None:
    assert residuals_of(made.cell("leak-kept")) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.001, "0"), (2.309, "+2.31"), (-12.34, "−12.3"), (1234.5, "+1234"), (-3.0, "−3"), (-0.5, "−0.50")],
)
def test_distances_are_signed(value: float, text: str) -> None:
    assert signed(value) == text
