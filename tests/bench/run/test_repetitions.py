"""The order of play, and what is played again; a fake plays."""

from collections.abc import Sequence
from dataclasses import replace

from bench.record.schema import Cell, Run, Status
from bench.run.matrix import planned_cells
from bench.run.repetitions import Replay, play_all, taken_up
from tests.bench import made

SERVICES = made.SERVICES
A, B, C = SERVICES
Key = tuple[str, str, int]


class Player:
    """Plays cells as it was told: by key, the statuses of one play after another; without, ok."""

    def __init__(self) -> None:
        self.verdicts: dict[Key, list[Status]] = {}
        self.played: list[tuple[str, str, int, int]] = []
        self.said: list[str] = []

    def step(self, run: Run, cell: Cell) -> Run:
        assert cell.key not in {other.key for other in run.cells}
        self.played.append((*cell.key, cell.attempt))
        verdicts = self.verdicts.get(cell.key, [])
        status = verdicts.pop(0) if verdicts else "ok"
        why = None if status == "ok" else "audit, schedule: late"
        return replace(run, cells=(*run.cells, replace(cell, status=status, why=why)))

    def again(self, replay: Replay) -> None:
        self.said.append(str(replay))


def cells(*scenarios: str, repeat: int = 1) -> Sequence[Cell]:
    return planned_cells(made.plan(services=SERVICES, scenarios=scenarios, repeat=repeat))


def statuses(run: Run) -> list[tuple[str, int, str]]:
    return [(cell.service, cell.attempt, cell.status) for cell in run.cells]


def test_what_passes_is_played_once_in_the_order_of_the_plan() -> None:
    player, planned = Player(), cells("one", "burst-10", repeat=2)

    run = play_all(planned, made.run(), player.step, player.again)

    assert player.played == [(*cell.key, 1) for cell in planned]
    assert (run.replaced, player.said) == ((), [])


def test_a_rejected_cell_is_played_again_with_its_whole_repetition_before_the_next() -> None:
    player = Player()
    player.verdicts = {("one", B, 0): ["rejected"]}

    run = play_all(cells("one", "burst-10"), made.run(), player.step, player.again)

    assert [played[::3] for played in player.played] == [("one", 1)] * 3 + [("one", 2)] * 3 + [("burst-10", 1)] * 3
    assert statuses(run)[:3] == [(A, 2, "ok"), (B, 2, "ok"), (C, 2, "ok")]
    assert [(cell.service, cell.attempt, cell.status) for cell in run.replaced] == [
        (A, 1, "ok"),
        (B, 1, "rejected"),
        (C, 1, "ok"),
    ]
    assert player.said == [
        "one · repetition 1 is played again (play 2), because of psycopg_flask: audit, schedule: late"
    ]


def test_after_three_plays_it_stays_rejected() -> None:
    player = Player()
    player.verdicts = {("one", C, 0): ["rejected"] * 9}

    run = play_all(cells("one"), made.run(), player.step, player.again)

    assert statuses(run) == [(A, 3, "ok"), (B, 3, "ok"), (C, 3, "rejected")]
    assert [cell.attempt for cell in run.replaced] == [1, 1, 1, 2, 2, 2]


def test_another_repetition_is_left_alone() -> None:
    player = Player()
    player.verdicts = {("one", A, 1): ["rejected"]}

    run = play_all(cells("one", repeat=2), made.run(), player.step, player.again)

    assert {cell.repetition: cell.attempt for cell in run.cells} == {0: 1, 1: 2}


def test_what_failed_is_not_played_again() -> None:
    player = Player()
    player.verdicts = {("one", A, 0): ["failed"], ("one", B, 0): ["rejected"], ("one", C, 0): ["skipped"]}

    run = play_all(cells("one"), made.run(), player.step, player.again)

    assert statuses(run) == [(A, 1, "failed"), (C, 1, "skipped"), (B, 2, "ok")]


def test_resume_plays_a_rejected_repetition_again_and_keeps_the_rest() -> None:
    first = Player()
    first.verdicts = {("one", A, 0): ["rejected"] * 3, ("one", C, 1): ["failed"]}
    done = play_all(cells("one", repeat=2), made.run(), first.step, first.again)

    resumed, second = taken_up(done), Player()
    run = play_all(cells("one", repeat=2), resumed, second.step, second.again)

    assert {cell.key for cell in resumed.cells} == {("one", A, 1), ("one", B, 1)}
    assert second.played == [("one", A, 0, 4), ("one", B, 0, 4), ("one", C, 0, 4), ("one", C, 1, 1)]
    assert {cell.status for cell in run.cells} == {"ok"}
    assert len(run.replaced) == 9


def test_resume_goes_on_in_the_middle_of_a_repeated_repetition() -> None:
    """Its first service had been played again when the run was interrupted."""
    planned = cells("one")
    earlier = tuple(replace(cell, status="rejected", why="audit, x: y") for cell in planned)
    done = replace(made.run([replace(planned[0], attempt=2)]), replaced=earlier)
    player = Player()

    run = play_all(planned, taken_up(done), player.step, player.again)

    assert player.played == [("one", B, 0, 2), ("one", C, 0, 2)]
    assert run.replaced == earlier


def test_nothing_is_played_where_all_is_done() -> None:
    player, done = Player(), made.run(cells("one"))
    assert play_all(cells("one"), done, player.step, player.again) == done
    assert player.played == []
