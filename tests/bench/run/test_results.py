"""What a run has found so far: a cell that is rejected, or played again, is in no figure twice."""

from dataclasses import replace
from pathlib import Path

from bench.record.readings import SamplerEffect
from bench.record.schema import AuditCheck, Cell
from bench.record.store import Store
from bench.record.stored import load
from bench.run.cell import Played
from bench.run.results import Results
from tests.bench import made

EFFECT = SamplerEffect(
    scenario="burst-10",
    service="asyncpg_fastapi",
    repetition=0,
    primary="ok",
    primary_with=10,
    primary_without=10,
    goodput_with_per_s=49.0,
    goodput_without_per_s=50.0,
)


def played(cell: Cell) -> Played:
    return Played(cell, made.requests(cell, made.fifo_burst(10, 5, 100_000, 1_050_000)), made.samples(cell))


def test_a_rejected_cell_is_in_no_figure_until_it_is_played_again(tmp_path: Path) -> None:
    results = Results(Store(tmp_path / "run"))
    ok, run = made.cell("burst-10"), made.run(scenarios=("burst-10",))
    rejected = replace(ok, status="rejected", why="audit, schedule: late")

    first = replace(run, cells=(ok,))
    results.add(first, played(ok))
    assert [cell.repetitions for cell in results.view(first).summary.cells] == [1]

    second = replace(run, cells=(rejected,), replaced=(ok,))
    results.add(second, played(rejected))
    assert results.view(second).summary.cells == ()
    assert load(tmp_path / "run").requests.height == 10

    third = replace(run, cells=(replace(ok, attempt=3),), replaced=(ok, rejected))
    results.add(third, played(third.cells[0]))
    assert [cell.repetitions for cell in results.view(third).summary.cells] == [1]
    assert load(tmp_path / "run").run == third


def test_a_cell_that_was_only_disturbed_has_marked_figures_also_when_the_run_is_taken_up(tmp_path: Path) -> None:
    busy = AuditCheck(name="machine", verdict="failed", detail="other programs took 44%")
    cell = made.cell("burst-10", status="rejected", why="audit, machine", audit=(busy,))
    run = made.run([cell], scenarios=("burst-10",))
    with Store(tmp_path / "run") as store:
        results = Results(store)
        results.add(run, played(cell))

    for each in (results, Results(Store(tmp_path / "run", resume=True))):
        summary = each.view(run).summary
        assert summary.cells == ()
        assert [cell.repetitions for cell in summary.disturbed] == [1]


def test_what_is_said_of_the_whole_run_is_kept_at_its_end(tmp_path: Path) -> None:
    results = Results(Store(tmp_path / "run"))
    cell = made.cell("burst-10")
    run = made.run([cell], scenarios=("burst-10",))
    results.add(run, played(cell))

    results.close(replace(run, sampler_effect=EFFECT))

    assert load(tmp_path / "run").run.sampler_effect == EFFECT
