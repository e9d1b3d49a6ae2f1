"""The audit of one cell: a clean one passes in everything, and each planted defect fails where it must."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.audit import CHECKS, audit, rejection
from bench.record.readings import Counted, CpuSeconds, Reading
from bench.record.schema import AuditCheck, Cell, Event
from tests.bench import made

ROWS = made.fifo_burst(100, 5, hold_us=100_000, acquire_timeout_us=1_050_000)
"""55 served and 45 rejected."""
WAITS_S = sum(row["acquire_us"] for row in ROWS) / 1e6
HOLDS_S = 5.5
SETTINGS = {
    "work_time_ms": 100, "work_kind": "sleep", "pool_acquire_timeout": 1.05, "pool_min_size": 5, "pool_max_size": 5,
    "tuning": "equalised",
}  # fmt: skip
CPU = CpuSeconds(generator=0.1, service=0.2, postgres=0.1, harness=0.1, other=0.1, available=2.4)

BEFORE = Reading(
    at_s=-0.1,
    acquired_total=10,
    released_total=10,
    timed_out_total=0,
    failed_total=0,
    leaked_total=0,
    abandoned_total=0,
    waiter_seconds_total=0.5,
    used_seconds_total=0.2,
    waiting_requests=0,
    pool_used_size=0,
    reads=1000,
    idle_in_transaction=0,
    locking=0,
    temporary=0,
)
AFTER = replace(
    BEFORE,
    at_s=1.2,
    acquired_total=65,
    released_total=65,
    timed_out_total=45,
    waiter_seconds_total=0.5 + WAITS_S,
    used_seconds_total=0.2 + HOLDS_S,
    reads=1055,
)


def cell(after: Reading = AFTER, **changed: Any) -> Cell:
    usual: dict[str, Any] = {"settings": SETTINGS, "cpu": CPU, "load_s": 1.1, "skew_ms": 8.0}
    return made.cell(**{"counted": Counted(before=BEFORE, after=after)} | usual | changed)


def found(
    of: Cell,
    rows: list[dict[str, Any]] = ROWS,
    backends: tuple[int | None, ...] = (5, 5),
    events: tuple[Event, ...] = (),
) -> dict[str, AuditCheck]:
    samples = made.samples(of, [{"t_us": n * 50_000, "backends": count} for n, count in enumerate(backends)])
    return {check.name: check for check in audit(of, made.requests(of, rows), samples, events, 2)}


def verdict(checks: dict[str, AuditCheck], name: str) -> tuple[str, str]:
    return checks[name].verdict, checks[name].detail


def test_a_clean_cell_passes_in_everything_and_says_its_figures() -> None:
    checks = found(cell())

    assert tuple(checks) == CHECKS
    assert {check.verdict for check in checks.values()} == {"passed"}
    assert checks["counts"].detail == "acquired 55, timed out 45: as the client saw"
    assert checks["statements"].detail == "PostgreSQL counted 55 reads of items, and the client saw 55"
    assert rejection(tuple(checks.values())) is None


@pytest.mark.parametrize(
    ("name", "after", "told"),
    [
        ("counts", {"acquired_total": 64}, "acquired_total rose by 54, and the client saw 55"),
        ("counts", {"timed_out_total": 46}, "timed_out_total rose by 46, and the client saw 45"),
        ("counts", {"failed_total": 1}, "failed_total rose by 1, and the client saw 0"),
        ("counts", {"released_total": 64}, "55 were acquired and 54 came back, and pool_used_size rose by 0"),
        ("counts", {"released_total": 64, "pool_used_size": 1}, "and 0 of those that leaked are out"),
        ("integrals", {"waiter_seconds_total": 0.5 + WAITS_S * 0.98}, "waiter_seconds_total rose by 73.255 s"),
        ("integrals", {"used_seconds_total": 0.2 + HOLDS_S + 0.2}, "used_seconds_total rose by 5.700 s"),
        ("statements", {"reads": 1054}, "PostgreSQL counted 54 reads of items, and the client saw 55"),
        ("rest", {"waiting_requests": 2}, "2 still wait 0.1 s after the last answer"),
        ("rest", {"pool_used_size": 1}, "1 connections are handed out, and 0 leaked"),
        ("rest", {"idle_in_transaction": 3}, "3 connections are left idle in transaction"),
        ("rest", {"locking": 2}, "2 connections hold advisory locks at rest"),
        ("rest", {"temporary": 1}, "1 connections have temporary tables at rest"),
    ],
)
def test_books_that_do_not_balance(name: str, after: dict[str, Any], told: str) -> None:
    checks = found(cell(replace(AFTER, **after)))

    assert checks[name].verdict == "failed"
    assert told in checks[name].detail
    assert rejection(tuple(checks.values())) is not None


def test_a_200_for_a_timeout_is_not_what_the_service_counted() -> None:
    rows = [*ROWS[:-1], ROWS[-1] | {"status": 200, "error": "none"}]

    assert verdict(found(cell(), rows), "counts") == (
        "failed",
        "acquired_total rose by 55, and the client saw 56; timed_out_total rose by 45, and the client saw 44",
    )


@pytest.mark.parametrize(
    ("name", "changed", "told"),
    [
        ("schedule", {"skew_ms": 50.1}, "all sent within 50.1 ms, and 50 ms is the limit"),
        ("schedule", {"skew_ms": 20.1, "hold_ms": 20}, "all sent within 20.1 ms, and 20 ms is the limit"),
        ("schedule", {"lateness_ms_p99": 5.1}, "sent late by (p99) 5.1 ms, and 5 ms is the limit"),
        ("machine", {"cpu": replace(CPU, other=0.49)}, "other programs took 20% of the machine: end them"),
        ("settings", {"hold_ms": 90}, "work_time_ms is 100 in force, and 90 was asked for"),
        ("settings", {"settings": SETTINGS | {"pool_max_size": 6}}, "pool_max_size is 6 in force, and 5 was asked for"),
        (
            "settings",
            {"counted": Counted(before=BEFORE, after=AFTER, changed={"work_time_ms": 5})},
            "work_time_ms became 5 under the load",
        ),
    ],
)
def test_a_cell_that_was_not_played_as_asked(name: str, changed: dict[str, Any], told: str) -> None:
    assert verdict(found(cell(**changed)), name) == ("failed", told)


def test_what_is_within_its_limits_passes() -> None:
    for changed in ({"skew_ms": 50.0}, {"skew_ms": 20.0, "hold_ms": 20}, {"lateness_ms_p99": 5.0, "skew_ms": None}):
        assert found(cell(**changed))["schedule"].verdict == "passed", changed


@pytest.mark.parametrize(
    ("backends", "expected"),
    [
        ((5, 6, 6, 5), ("failed", "6 backends at once, and the pool may have 5")),
        ((5, 6, 5, 6), ("noted", "6 backends of 5 in single samples, as one came and one went")),
        ((None, None), ("not checked", "no database to look at")),
        ((5, None, 5), ("passed", "at most 5 backends of 5, in 2 samples")),
    ],
)
def test_backends(backends: tuple[int | None, ...], expected: tuple[str, str]) -> None:
    assert verdict(found(cell(), backends=backends), "backends") == expected


def test_overflow_as_shipped_is_capacity() -> None:
    assert found(cell(capacity=15), backends=(15, 15))["backends"].verdict == "passed"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"sent_us": -1_001}, "1 requests sent before the plan; 1 requests with a negative time"),
        ({"sent_us": 5_000, "finished_us": 4_000, "app_us": 0}, "1 requests answered before they were sent"),
        ({"finished_us": 90_000}, "1 requests longer in the service than for the client"),
        ({"acquire_us": 1_001}, "1 requests with parts that are longer than the whole"),
        ({"release_us": -1}, "1 requests with a negative time"),
    ],
)
def test_clocks_that_contradict_themselves(row: dict[str, int], told: str) -> None:
    detail = found(cell(), [ROWS[0] | row, *ROWS[1:]])["clock"]

    assert detail.verdict == "failed"
    assert told in detail.detail


def test_without_a_service_s_own_time_its_parts_are_no_longer_than_whoever_asked_waited() -> None:
    rows = [row | {"app_us": None} for row in ROWS]

    assert verdict(found(cell(), rows), "clock") == ("passed", "100 requests, 4 rules")
    assert verdict(found(cell(), [rows[0] | {"release_us": 1_001}, *rows[1:]]), "clock") == (
        "failed",
        "1 requests with parts that are longer than the whole",
    )


@pytest.mark.parametrize(
    ("hold_us", "acquire_timeout_us", "told"),
    [
        (97_000, 1_050_000, "shortest hold 97.0 ms for 100 ms: the setting is not applied"),
        (200_000, 1_050_000, "shortest hold 200.0 ms for 100 ms: the setting is not applied"),
        (100_000, 735_000, "shortest timeout 735.0 ms for 1050 ms: the setting is not applied"),
        (100_000, 1_365_000, "shortest timeout 1365.0 ms for 1050 ms: the setting is not applied"),
    ],
)
def test_settings_that_are_shown_and_not_applied(hold_us: int, acquire_timeout_us: int, told: str) -> None:
    rows = made.fifo_burst(100, 5, hold_us, acquire_timeout_us)
    assert told in found(cell(), rows)["settings"].detail
    assert found(cell(), rows)["settings"].verdict == "failed"


@pytest.mark.parametrize(("path", "acquire_us"), [("/api/nested", 2_000), ("/api/several", 2_100_000)])
def test_what_a_request_with_several_acquires_waited_in_all_is_no_setting(path: str, acquire_us: int) -> None:
    """The header adds waits up, or tells that of the first alone; each has the acquire timeout for itself."""
    rows = [row | {"path": path} for row in ROWS[:-1]] + [ROWS[-1] | {"path": path, "acquire_us": acquire_us}]

    assert found(cell(), rows)["settings"].verdict == "passed"


@pytest.mark.parametrize("path", ["/api/query?hold_ms=7", "/api/query-proper"])
def test_a_short_timeout_of_one_acquire_is_a_setting_that_is_not_applied(path: str) -> None:
    rows = [*ROWS[:-1], ROWS[-1] | {"path": path, "acquire_us": 735_000}]

    assert "shortest timeout 735.0 ms for 1050 ms" in found(cell(), rows)["settings"].detail


def test_work_of_the_database_may_take_longer_than_it_does_alone() -> None:
    rows = made.fifo_burst(100, 5, 200_000, 1_050_000)
    assert found(cell(settings=SETTINGS | {"work_kind": "cpu"}), rows)["settings"].verdict == "passed"


def test_cpu_bound_is_noted_with_who_used_it_and_excuses_the_schedule() -> None:
    checks = found(cell(cpu=replace(CPU, postgres=1.5), skew_ms=111.0))

    said = (
        "CPU-bound: not about the pool: 83% of the machine, 17% of a core in its busier part (generator 0.10 s, "
        "service 0.20 s, PostgreSQL 1.50 s, bench 0.10 s, other 0.10 s), limits 60% and 70%"
    )
    assert verdict(checks, "cpu") == ("noted", said)
    assert verdict(checks, "schedule") == ("noted", "all sent within 111.0 ms and not 50 ms: CPU-bound")
    assert rejection(tuple(checks.values())) is None


def test_other_programs_make_the_machine_busy_and_excuse_nothing() -> None:
    busy = replace(CPU, other=1.9)
    checks = found(cell(cpu=busy, skew_ms=111.0))

    said = (
        "machine busy: 100% of the machine, 17% of a core in its busier part (generator 0.10 s, service 0.20 s, "
        "PostgreSQL 0.10 s, bench 0.10 s, other 1.90 s), limit 60%"
    )
    assert verdict(checks, "cpu") == ("noted", said)
    assert checks["schedule"].verdict == "failed"
    # Elsewhere, the others may be the services themselves.
    checks = found(cell(cpu=replace(busy, service=None, postgres=None), skew_ms=111.0))
    assert verdict(checks, "schedule") == ("noted", "all sent within 111.0 ms and not 50 ms: machine busy")


@pytest.mark.parametrize(
    ("cpu", "expected"),
    [
        (replace(CPU, other=0.24), ("passed", "other programs took 10% of the machine")),
        (replace(CPU, other=0.3), ("noted", "other programs took 12% of the machine")),
        (replace(CPU, available=0.9), ("not checked", "0.90 CPU seconds are too few to tell")),
        (
            replace(CPU, service=None),
            ("not checked", "the service's CPU time cannot be told from that of other programs"),
        ),
        (None, ("not checked", "CPU time was not measured")),
    ],
)
def test_other_programs(cpu: CpuSeconds | None, expected: tuple[str, str]) -> None:
    assert verdict(found(cell(cpu=cpu)), "machine") == expected


def test_what_cannot_be_looked_at_is_not_checked() -> None:
    blind = cell(counted=None, settings=None, cpu=None, skew_ms=None)

    checks = found(blind, backends=())

    assert {name: check.verdict for name, check in checks.items()} == {
        **dict.fromkeys(CHECKS, "not checked"),
        "clock": "passed",
    }


def test_no_database_is_not_checked_and_never_passed() -> None:
    blind: dict[str, Any] = dict.fromkeys(("reads", "idle_in_transaction", "locking", "temporary"))
    alone = cell(counted=Counted(before=replace(BEFORE, **blind), after=replace(AFTER, **blind)))

    checks = found(alone)

    assert verdict(checks, "statements") == ("not checked", "no database with pg_stat_statements to look at")
    assert checks["rest"].detail == "no request waits, nothing is handed out; PostgreSQL's own view is not known"


def test_an_answer_that_never_came_leaves_open_what_it_was() -> None:
    """The 55th had a connection, and its client left; the service may have counted it or not."""
    gone = {"status": 0, "error": "gave_up"} | dict.fromkeys(("acquire_us", "work_us", "release_us", "app_us"))
    rows = [*ROWS[:54], ROWS[54] | gone, *ROWS[55:]]

    checks = found(cell(), rows)

    assert verdict(checks, "counts") == ("passed", "acquired 54 to 55, timed out 45 to 46: as the client saw")
    assert verdict(checks, "integrals") == ("not checked", "1 requests were not answered, or did not say their times")
    assert found(cell(replace(AFTER, acquired_total=66, released_total=66)), rows)["counts"].verdict == "failed"


CUT = {"status": 503, "error": "database_unavailable", "acquire_us": 0, "work_us": 40_000}
"""Rejected while it held a connection."""


def test_a_connection_that_was_cut_was_acquired_and_its_read_is_left_open() -> None:
    rows = [*ROWS[:54], ROWS[54] | CUT | {"acquire_us": ROWS[54]["acquire_us"]}, *ROWS[55:]]
    assert AFTER.used_seconds_total is not None
    after = replace(AFTER, used_seconds_total=AFTER.used_seconds_total - 0.06, reads=1054)

    for reads in (1054, 1055):
        checks = found(cell(replace(after, reads=reads)), rows)
        assert verdict(checks, "counts") == ("passed", "acquired 55, timed out 45, cut 1: as the client saw")
        assert checks["integrals"].verdict == "passed"
        untold = "whether 1 whose connection was cut had read is not told"
        said = f"PostgreSQL counted {reads - 1000} reads of items, and the client saw 54 to 55: {untold}"
        assert verdict(checks, "statements") == ("passed", said)
    # Nothing else is left open for its sake.
    assert found(cell(replace(after, acquired_total=64, released_total=64)), rows)["counts"].verdict == "failed"
    assert found(cell(replace(after, timed_out_total=46)), rows)["counts"].verdict == "failed"
    assert found(cell(replace(after, failed_total=1)), rows)["counts"].verdict == "failed"
    assert found(cell(replace(after, reads=1053)), rows)["statements"].verdict == "failed"


def test_a_connect_that_failed_was_never_acquired() -> None:
    rows = [*ROWS[:99], ROWS[99] | CUT | {"work_us": 0, "acquire_us": ROWS[99]["acquire_us"]}]

    checks = found(cell(replace(AFTER, timed_out_total=44, failed_total=1)), rows)

    assert checks["counts"].verdict == checks["integrals"].verdict == "passed"


def test_a_database_that_stood_still_was_not_asked_meanwhile() -> None:
    one = made.cell()
    still = (made.event(one, 0.2, "frozen", "9 processes"), made.event(one, 1.0, "goes_on"))

    said = "at most 5 backends of 5, in 2 samples; not asked for the 0.8 s for which PostgreSQL stood still"
    assert verdict(found(cell(), events=still), "backends") == ("passed", said)
    assert found(cell(), backends=(6, 6), events=still)["backends"].verdict == "failed"


def test_nested_takes_two_and_noop_none() -> None:
    served = {"path": "/api/nested", "acquire_us": 0, "work_us": 100_000, "finished_us": 100_000, "app_us": 100_000}
    refused = served | {"status": 503, "error": "pool_exhausted", "work_us": 0}
    rows = [served, refused, {"path": "/api/noop", "work_us": 0}]
    after = replace(AFTER, acquired_total=13, released_total=13, timed_out_total=1, reads=1001)

    checks = found(cell(after), rows)

    assert verdict(checks, "counts") == ("passed", "acquired 2 to 3, timed out 1: as the client saw")
    assert verdict(checks, "statements") == ("passed", "PostgreSQL counted 1 reads of items, and the client saw 1")
    assert checks["integrals"].verdict == "not checked"


def test_several_takes_one_after_another_and_reads_with_each() -> None:
    served = {"path": "/api/several?times=5", "acquire_us": 0, "work_us": 100_000, "finished_us": 100_000}
    refused = served | {"status": 503, "error": "pool_exhausted"}
    after = replace(AFTER, acquired_total=17, released_total=17, timed_out_total=1, reads=1007)

    checks = found(cell(after), [served, refused])
    uncounted = found(cell(replace(after, acquired_total=14, released_total=14, reads=1004)), [served, refused])

    assert verdict(checks, "counts") == ("passed", "acquired 5 to 9, timed out 1: as the client saw")
    assert verdict(checks, "statements") == (
        "passed",
        "PostgreSQL counted 7 reads of items, and the client saw 5 to 9",
    )
    assert uncounted["counts"].verdict == uncounted["statements"].verdict == "failed"


def leaky(*, given_back: int, after: dict[str, Any], settings: dict[str, Any] = SETTINGS) -> dict[str, AuditCheck]:
    """Two whose references are kept leak at 0.2 and 0.3 s; the last reading is at 1.2 s."""
    one = made.cell()
    events = [made.event(one, 0.2, "leak", "kept, 1 of 2: 200"), made.event(one, 0.3, "leak", "kept, 2 of 2: 200")]
    events.append(made.event(one, 0.7, "release_leaks", f"{given_back} given back"))
    counted = replace(AFTER, acquired_total=67, leaked_total=2, reads=1057)
    return found(cell(replace(counted, **after), settings=settings), events=tuple(events))


def test_leaks_are_in_the_books_until_they_are_given_back() -> None:
    used = 0.2 + HOLDS_S
    kept = {"released_total": 66.0, "pool_used_size": 1.0, "used_seconds_total": used + 0.5 + 0.9}
    back = {"released_total": 67.0, "used_seconds_total": used + 0.5 + 0.4}

    for checks in (leaky(given_back=1, after=kept), leaky(given_back=2, after=back)):
        assert {check.verdict for check in checks.values()} == {"passed"}
    assert leaky(given_back=1, after=kept)["rest"].detail == "no request waits, nothing is handed out but 1 that leaked"


def test_a_leak_that_heals_by_itself() -> None:
    checks = leaky(given_back=1, after={"released_total": 67.0, "used_seconds_total": 0.2 + HOLDS_S + 0.2})

    assert verdict(checks, "counts") == (
        "failed",
        "57 were acquired and 57 came back, and 1 of those that leaked are out",
    )
    assert checks["integrals"].verdict == "failed"


def test_a_transaction_that_leaked_may_never_have_ended() -> None:
    open_ = {"released_total": 66.0, "pool_used_size": 1.0, "reads": 1055, "idle_in_transaction": 1}

    assert leaky(given_back=1, after=open_)["statements"].verdict == "failed"
    shipped = leaky(given_back=1, after=open_, settings=SETTINGS | {"tuning": "as_shipped"})
    assert verdict(shipped, "statements") == (
        "passed",
        "PostgreSQL counted 55 reads of items, and the client saw 55 to 57",
    )
    assert shipped["rest"].verdict == "passed"


def test_a_cell_is_rejected_by_its_first_failure() -> None:
    passed, failed = (
        AuditCheck(name="counts", verdict="passed", detail=""),
        AuditCheck(name="clock", verdict="failed", detail="no"),
    )
    assert rejection((passed, failed, replace(failed, name="rest"))) == "audit, clock: no"


@given(
    n=st.integers(1, 60),
    c=st.integers(1, 20),
    hold_ms=st.integers(1, 500),
    acquire_timeout=st.floats(0.1, 10, allow_nan=False),
    lost=st.integers(1, 3),
)
def test_a_perfect_pool_is_never_accused_and_a_lost_connection_always(
    n: int, c: int, hold_ms: int, acquire_timeout: float, lost: int
) -> None:
    acquire_timeout_us = round(acquire_timeout * hold_ms * 1000)
    rows = made.fifo_burst(n, c, hold_ms * 1000, acquire_timeout_us)
    served = sum(1 for row in rows if "status" not in row)
    after = replace(
        AFTER,
        acquired_total=10 + served,
        released_total=10 + served,
        timed_out_total=n - served,
        waiter_seconds_total=0.5 + sum(row["acquire_us"] for row in rows) / 1e6,
        used_seconds_total=0.2 + sum(row["work_us"] for row in rows) / 1e6,
        reads=1000 + served,
    )
    settings = SETTINGS | {"work_time_ms": hold_ms, "pool_acquire_timeout": acquire_timeout_us / 1e6}
    settings |= {"pool_min_size": c, "pool_max_size": c}
    shape = {
        "hold_ms": hold_ms,
        "acquire_timeout_s": acquire_timeout_us / 1e6,
        "pool_size": c,
        "capacity": c,
        "settings": settings,
    }
    books = ("counts", "integrals", "statements", "settings", "clock", "rest")

    clean = found(cell(after, skew_ms=1.0, **shape), rows)
    broken = found(cell(replace(after, pool_used_size=lost), skew_ms=1.0, **shape), rows)

    assert {clean[name].verdict for name in books} == {"passed"}
    assert {broken["counts"].verdict, broken["rest"].verdict} == {"failed"}


def test_frames_may_be_empty() -> None:
    one = cell(BEFORE)
    checks = audit(one, made.requests(one, []), made.samples(one), (), 2)
    assert {check.name for check in checks if check.verdict == "failed"} == set()
