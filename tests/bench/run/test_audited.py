"""A cell as its audit leaves it, and what the sampler costs."""

from dataclasses import replace

import pytest

from bench.record.readings import SamplerEffect
from bench.record.schema import Cell
from bench.run.audited import audited, effect, to_repeat
from bench.run.cell import Played
from bench.run.matrix import planned_cells
from tests.bench import made


def played(cell: Cell, hold_us: int = 100_000) -> Played:
    return Played(cell, made.requests(cell, made.fifo_burst(10, 5, hold_us, 1_050_000)), made.samples(cell))


def test_a_cell_whose_audit_fails_is_rejected_and_says_why() -> None:
    judged = made.plan(profile="standard")
    late = audited(played(made.cell("burst-10", skew_ms=99.0)), judged, 2).cell
    fine = audited(played(made.cell("burst-10", skew_ms=1.0)), judged, 2).cell
    told = audited(played(made.cell("burst-10", skew_ms=99.0)), made.plan(profile="quick"), 2).cell
    ten_repetitions = made.plan(profile="quick", repeat=10)

    assert (late.status, late.why) == (
        "rejected",
        "audit, schedule: all sent within 99.0 ms, and 50 ms is the limit",
    )
    assert (fine.status, fine.why, len(fine.audit)) == ("ok", None, 10)
    assert (told.status, told.audit) == ("ok", late.audit), "nothing is judged there, and its figures are shown"
    assert audited(played(made.cell("burst-10", skew_ms=99.0)), ten_repetitions, 2).cell == late, (
        "ten repetitions are judged"
    )


def test_a_cell_that_failed_has_no_audit() -> None:
    failed = Played(made.cell(status="failed", why="died"))
    assert audited(failed, made.plan(), 2) == failed


@pytest.mark.parametrize(
    ("scenarios", "profile", "expected"),
    [
        (("one", "burst-10", "burst-timeout"), "quick", ("burst-10", "asyncpg_fastapi", 2)),
        (("one", "burst-timeout"), "quick", ("burst-timeout", "asyncpg_fastapi", 2)),
        (("one", "ramp", "fix-larger-pool"), "quick", None),
        (("one", "burst-10"), "smoke", None),
    ],
)
def test_which_cell_is_repeated_without_the_sampler(
    scenarios: tuple[str, ...], profile: str, expected: tuple[str, str, int] | None
) -> None:
    plan = made.plan(scenarios=scenarios, services=made.SERVICES, repeat=3, profile=profile)
    found = to_repeat(planned_cells(plan), plan)
    assert (found.key if found else None) == expected


def test_the_sampler_s_effect_is_both_side_by_side() -> None:
    cell = made.cell("burst-10", repetition=2)

    assert effect(played(cell, 125_000), played(cell)) == SamplerEffect(
        scenario="burst-10",
        service="asyncpg_fastapi",
        repetition=2,
        primary="latency_ms_p99_all",
        primary_with=250.0,
        primary_without=200.0,
        goodput_with_per_s=40.0,
        goodput_without_per_s=50.0,
    )
    assert effect(played(cell), Played(replace(cell, status="failed"))) is None
