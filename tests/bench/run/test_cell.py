"""The skeleton of a cell, on a twin without processes."""

from typing import Any

import psycopg
import pytest

from bench.load.driver import GeneratorFailed
from bench.record.rows import Row
from bench.record.schema import played_as
from bench.run import cell as cell_module
from bench.run.cell import Played, play
from bench.run.conditions import Conditions
from bench.run.executor import Seen
from bench.scenarios.catalogue import SCENARIOS
from bench.targets.process import ServiceDied
from tests.bench import made
from tests.bench.run.twin import Twin

CONDITIONS = Conditions(
    database=None,
    local_database=False,
    tuning="equalised",
    work_units=0,
    stack=lambda name: played_as(name)[0],
)


def played(twin: Twin, scenario: str = "burst-10", service: str = "asyncpg_fastapi", *, sampled: bool = True) -> Played:
    cell = made.cell(scenario, service, repetition=1)
    return play(cell, SCENARIOS[scenario].at(100), CONDITIONS, twin, sampled=sampled)


def test_a_cell_has_its_requests_samples_and_figures() -> None:
    looks = [Row(20_000, size=5, free=0, used=5), Row(10_000, size=5, free=5, used=0)]
    twin = Twin(looked=Seen(looks, [(0.04, "leak", "second"), (0.02, "leak", "first")]))
    done = played(twin)

    assert twin.done == ["open", "warm up", "play", "same process", "close"]
    assert (done.cell.status, done.cell.why) == ("ok", None)
    assert (done.cell.load_s, done.cell.skew_ms, done.cell.lateness_ms_p99) == (0.1, 4.0, None)
    assert done.cell.settings == twin.opened[0][1]
    assert done.cell.cpu is not None
    assert done.cell.cpu.generator == 0.25
    assert done.cell.counted is not None
    assert done.cell.counted.before.at_s <= 0 <= done.cell.counted.after.at_s
    assert done.requests is not None
    assert done.requests.select("scenario", "service", "repetition", "n", "sent_us").rows() == [
        (*done.cell.key, n, n * 1000) for n in range(5)
    ]
    assert done.samples is not None
    assert done.samples["t_us"].is_sorted()
    assert done.samples.filter(done.samples["size"] == 5)["used"].to_list() == [0, 5]
    assert done.events == [made.event(done.cell, 0.02, "leak", "first"), made.event(done.cell, 0.04, "leak", "second")]


@pytest.mark.parametrize(("name", "threads"), [("psycopg_flask", 18), ("asyncpg_fastapi", None)])
def test_a_service_played_again_has_the_settings_of_its_stack(name: str, threads: int | None) -> None:
    twin = Twin()
    assert [played(twin, service=each).cell.status for each in (name, f"{name}-2")] == ["ok", "ok"]

    (_, first), (again, second) = twin.opened
    assert again == f"{name}-2"
    assert first == second
    assert first.get("threads") == threads


@pytest.mark.parametrize(
    ("twin", "why", "log_tail", "last"),
    [
        (Twin(changed={"work_time_ms": 7}), "work_time_ms is 7 in force, and 100 was asked for", None, "open"),
        (Twin(fails={"open": OSError("nothing listens")}), "nothing listens", None, "open"),
        (Twin(fails={"warm up": ServiceDied("it died", "its last line")}), "it died", "its last line", "warm up"),
        (Twin(fails={"play": GeneratorFailed("it died", "its last line")}), "it died", "its last line", "play"),
        (Twin(fails={"same process": ServiceDied("another")}), "another", "", "same process"),
        (Twin(lost=1), "5 requests were sent, and 4 are in the samples", None, "same process"),
    ],
)
def test_what_goes_wrong_is_a_failed_cell_that_says_why(twin: Twin, why: str, log_tail: Any, last: str) -> None:
    done = played(twin)

    assert (done.cell.status, done.cell.why, done.cell.log_tail) == ("failed", why, log_tail)
    assert done.requests is None
    assert done.cell.began_s is not None
    steps = [step for step in twin.done if step != "close"]
    assert steps[-1] == last


def test_a_database_that_takes_no_more_connections_is_a_failed_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise psycopg.OperationalError("too many connections")

    monkeypatch.setattr(cell_module, "Sampler", refused)
    done = played(Twin())
    assert (done.cell.status, done.cell.why) == ("failed", "too many connections")


def test_a_bug_is_no_failed_cell() -> None:
    with pytest.raises(ZeroDivisionError):
        played(Twin(fails={"play": ZeroDivisionError()}))


def test_what_was_seen_before_it_failed_is_kept() -> None:
    done = played(Twin(fails={"same process": ServiceDied("another")}))
    assert done.samples is not None
    assert done.samples.height >= 2


def test_what_the_pool_s_own_process_saw_of_a_cell_that_failed_is_kept() -> None:
    looks = [Row(10_000, size=5, used=5)]
    done = played(Twin(lost=1, looked=Seen(looks, [(0.02, "leak", "first")])))

    assert done.cell.status == "failed"
    assert done.samples is not None
    assert done.samples.filter(done.samples["size"] == 5)["t_us"].to_list() == [10_000]
    assert done.events == [made.event(done.cell, 0.02, "leak", "first")]


def test_what_is_not_sampled_has_no_samples_of_the_pool_s_own_process_either() -> None:
    looks = [Row(10_000, size=5, used=5)]
    done = played(Twin(looked=Seen(looks)), sampled=False)
    assert (done.cell.status, done.samples is not None and done.samples.height) == ("ok", 0)
