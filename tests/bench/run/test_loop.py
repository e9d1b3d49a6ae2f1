"""The loop over the cells of a plan, without processes: what is played, played again, and left out."""

from contextlib import nullcontext
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from bench.postgres.database import Database
from bench.record.readings import SamplerEffect
from bench.record.schema import Cell, Layer, Plan, Run
from bench.run.cell import Played
from bench.run.checks import CHECK_ESTIMATE_S, Checked, to_check
from bench.run.loop import run
from bench.run.matrix import estimate_s, planned_cells
from bench.run.progress import Progress
from bench.targets.target import Target
from tests.bench import made

pytestmark = pytest.mark.usefixtures("without_processes")

SERVICES = made.SERVICES[:2]


def plan(*scenarios: str, profile: str = "smoke", repeat: int = 1, layer: Layer = "http") -> Plan:
    return made.plan(profile=profile, services=SERVICES, scenarios=scenarios, repeat=repeat, layer=layer)


@pytest.fixture
def without_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell is served at once."""
    monkeypatch.setattr("bench.run.loop._executor", lambda *_: nullcontext())
    monkeypatch.setattr("bench.run.loop._conditions", lambda *_: None)
    monkeypatch.setattr("bench.run.loop._play", lambda cell, *_, **__: Played(cell))


def repetitions_of(
    plan: Plan, done: tuple[Cell, ...], least: dict[str, int]
) -> tuple[dict[tuple[str, str], list[int]], list[str]]:
    """(scenario, service) → the repetitions that a run goes on to play, where a scenario needs at least so many
    repetitions."""

    def enough(run: Run, scenario: str) -> bool:
        return len({cell.repetition for cell in run.cells if cell.scenario == scenario}) >= least[scenario]

    said = StringIO()
    cells = [cell for cell in planned_cells(plan) if cell.key not in {each.key for each in done}]
    progress = Progress([estimate_s(cell) for cell in cells], said)
    target, before = Target(None, local=True), made.run(done)
    ended = run(plan, made.ENVIRONMENT, target, before, progress, lambda *_: None, enough)
    played: dict[tuple[str, str], list[int]] = {}
    for cell in ended.cells[len(done) :]:
        played.setdefault((cell.scenario, cell.service), []).append(cell.repetition)
    return played, said.getvalue().splitlines()


def test_a_scenario_that_is_certain_is_played_no_further_and_the_others_are() -> None:
    asked = plan("one", "burst-10", "floor", repeat=14)
    played, said = repetitions_of(asked, (), {"one": 1, "burst-10": 12, "floor": 99})
    assert played == {
        (scenario, service): list(range(repetitions))
        for scenario, repetitions in (("one", 10), ("burst-10", 12), ("floor", 14))
        for service in SERVICES
    }
    assert said[-1].startswith("[72/72] floor")


def test_a_repetition_that_was_begun_is_ended_after_a_resume() -> None:
    asked = plan("one", repeat=14)
    cells = planned_cells(asked)
    whole, begun = tuple(cells[:20]), tuple(cells[:21])
    assert repetitions_of(asked, whole, {"one": 10}) == ({}, [])
    played, _ = repetitions_of(asked, begun, {"one": 10})
    assert played == {("one", cells[21].service): [10]}


def test_a_run_removes_the_samples_that_a_killed_one_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / "poolbench-samples-left"
    left.mkdir()
    (left / "requests").touch()

    repetitions_of(plan("one"), (), {})

    assert not left.exists()


def checked(
    monkeypatch: pytest.MonkeyPatch, asked: Plan, *, done: tuple[Cell, ...] = (), refused: Checked | None = None
) -> tuple[Run, list[str]]:
    """A run whose services are checked, and what it says: of each line all but what was found."""

    def check_service(name: str, *_: object) -> Checked:
        return refused if refused and name == refused.service else Checked(name, None, None)

    monkeypatch.setattr("bench.run.checks.check_service", check_service)
    monkeypatch.setattr("bench.run.loop._play", lambda cell, *_, **__: served_late(cell))
    monkeypatch.setattr("bench.run.loop.to_repeat", lambda *_: None)
    target, said = Target(Database("h", 1, "u", "p", "d"), local=True), StringIO()
    left = [cell for cell in planned_cells(asked) if cell.key not in {each.key for each in done}]
    checks = [CHECK_ESTIMATE_S] * len(to_check(target, asked, left))
    progress = Progress([*checks, *(estimate_s(cell) for cell in left)], said)
    ended = run(asked, made.ENVIRONMENT, target, made.run(done), progress, lambda *_: None)
    return ended, [" · ".join(line.split(" · ")[:2]) for line in said.getvalue().splitlines()]


def test_a_service_is_checked_right_before_its_first_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    _, said = checked(monkeypatch, plan("one", "burst-10"))

    assert said == [
        f"[1/6] check · {SERVICES[0]}",
        f"[2/6] one · {SERVICES[0]}",
        f"[3/6] check · {SERVICES[1]}",
        f"[4/6] one · {SERVICES[1]}",
        f"[5/6] burst-10 · {SERVICES[0]}",
        f"[6/6] burst-10 · {SERVICES[1]}",
    ]


def test_a_service_of_which_all_was_played_before_a_resume_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = plan("one")

    _, said = checked(monkeypatch, asked, done=tuple(planned_cells(asked)[:1]))

    assert said == [f"[1/2] check · {SERVICES[1]}", f"[2/2] one · {SERVICES[1]}"]


def test_a_service_that_ended_in_its_check_is_failed_with_what_it_had_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = Checked(SERVICES[0], "it ended before it answered", None, "ModuleNotFoundError")

    found, _ = checked(monkeypatch, plan("one", "burst-10"), refused=ended)

    failed = {cell.key[:2]: (cell.why, cell.log_tail) for cell in found.cells if cell.status == "failed"}
    why = ("it ended before it answered", "ModuleNotFoundError")
    assert failed == {("one", SERVICES[0]): why, ("burst-10", SERVICES[0]): why}
    assert str(ended) == "refused: it ended before it answered; its last lines:\nModuleNotFoundError"


def served_late(cell: Cell) -> Played:
    """Every request held its connection for 2 ms more than it was asked to, which later forecasts have in them."""
    return Played(cell, made.requests(cell, [{"work_us": (cell.hold_ms + 2) * 1000}]), made.samples(cell))


def test_a_repetition_that_is_played_again_is_counted_and_its_time_is_in_what_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def reject_first_play(played: Played, *_: object) -> Played:
        again = played.cell.scenario == "five-in-sequence" or played.cell.attempt > 1
        return replace(played, cell=played.cell if again else replace(played.cell, status="rejected", why="late"))

    monkeypatch.setattr("bench.run.loop._play", lambda cell, *_, **__: served_late(cell))
    monkeypatch.setattr("bench.run.loop.audited", reject_first_play)
    monkeypatch.setattr("bench.run.loop.to_repeat", lambda *_: None)
    asked = plan("five-in-sequence", "burst-10", profile="standard")
    cells = planned_cells(asked)
    said = StringIO()
    progress = Progress([estimate_s(cell) for cell in cells], said)

    ended = run(asked, made.ENVIRONMENT, Target(None, local=True), None, progress, lambda *_: None)

    assert [cell.attempt for cell in ended.cells] == [1, 1, 2, 2]
    assert len(ended.replaced) == 2
    assert ended.cells[2].forecast != cells[2].forecast
    lines = said.getvalue().splitlines()
    assert [line.split("]")[0] for line in lines] == [
        "[1/4", "[2/4", "[3/4", "[4/4",
        "burst-10 · repetition 1 is played again (play 2), because of asyncpg_fastapi: late",
        "[5/6", "[6/6",
    ]  # fmt: skip
    assert lines[-2].endswith(" left")
    assert not lines[-1].endswith(" left")


def played_twice(
    monkeypatch: pytest.MonkeyPatch, layer: Layer, said: StringIO | None = None
) -> tuple[Run, list[tuple[str, str, bool]], list[Cell]]:
    """A run whose bursts hold 125 ms with the sampler, and 100 ms without: the run, what was played with the sampler
    or without, and what was handed over."""
    played: list[tuple[str, str, bool]] = []
    kept: list[Cell] = []

    def play(cell: Cell, *_: object, sampled: bool = True, **__: object) -> Played:
        played.append((cell.scenario, cell.service, sampled))
        hold_us = 125_000 if sampled else 100_000
        return Played(cell, made.requests(cell, made.fifo_burst(10, 5, hold_us, 1_050_000)), made.samples(cell))

    monkeypatch.setattr("bench.run.loop._play", play)
    monkeypatch.setattr("bench.run.loop.audited", lambda played, *_: played)
    asked = plan("one", "burst-10", profile="quick", layer=layer)
    progress = Progress([estimate_s(cell) for cell in planned_cells(asked)], said or StringIO())
    target = Target(None, local=True)
    ended = run(asked, made.ENVIRONMENT, target, None, progress, lambda _, played: kept.append(played.cell))
    return ended, played, kept


def test_a_full_burst_is_played_once_more_without_the_sampler_and_is_in_no_figure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = StringIO()
    ended, played, kept = played_twice(monkeypatch, "http", said)

    count = len(played)
    assert [line.split()[0] for line in said.getvalue().splitlines()] == [f"[{n}/{count}]" for n in range(1, count + 1)]
    assert said.getvalue().endswith(" · without the sampler\n")
    assert played == [
        *((scenario, service, True) for scenario in ("one", "burst-10") for service in SERVICES),
        ("burst-10", SERVICES[0], False),
    ]
    assert [(cell.scenario, cell.service) for cell in kept] == [each[:2] for each in played[:-1]]
    assert ended.cells == tuple(kept)
    assert ended.sampler_effect == SamplerEffect(
        scenario="burst-10",
        service=SERVICES[0],
        repetition=0,
        primary="latency_ms_p99_all",
        primary_with=250.0,
        primary_without=200.0,
        goodput_with_per_s=40.0,
        goodput_without_per_s=50.0,
    )


def test_the_pool_alone_is_not_played_without_its_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    ended, played, _ = played_twice(monkeypatch, "pool")
    assert all(sampled for _, _, sampled in played)
    assert ended.sampler_effect is None
