"""Loads played against a stub that keeps its own count: what was sent, and what was recorded."""

import math
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_series_equal

from bench.load.driver import GeneratorFailed, LoadGenerator
from bench.load.outcome import Outcome
from services.workload.arrivals import choose_paths, picks, planned_times
from services.workload.loads import Burst, Closed, Load, Open, Sequential, Share, Stage, Workload
from services.workload.wire import HttpJob

Stubs = Callable[..., Any]
MIX = (Share(path="/api/query?hold_ms=1"), Share(path="/api/query?hold_ms=3", weight=2.5))
QUERY = (Share(path="/api/query"),)


def job(url: str, load: Load, directory: Path, *mix: Share, give_up_s: float = 30.0) -> HttpJob:
    workload = Workload(load=load, mix=mix or QUERY, seed=11, give_up_s=give_up_s)
    return HttpJob(workload=workload, out=str(directory), base_url=url)


@pytest.fixture
def play(generator: LoadGenerator, tmp_path: Path) -> Callable[..., Outcome]:
    def play(url: str, load: Load, *paths: Share, give_up_s: float = 30.0, **options: Any) -> Outcome:
        outcome = generator.play(job(url, load, tmp_path, *paths, give_up_s=give_up_s), **options, timeout_s=60)
        _ = outcome.requests  # read before the next load is played
        return outcome

    return play


def targets(frame: pl.DataFrame) -> list[str]:
    return frame["path"].to_list()


def paths(mix: tuple[Share, ...], chosen: list[int]) -> list[str]:
    return [mix[nth].path for nth in chosen]


def test_sequential_never_overlaps(stub: Stubs, play: Callable[..., Outcome]) -> None:
    server = stub()
    outcome = play(server.url, Sequential(requests=30), *MIX)
    frame, seen = outcome.requests, server.log()
    assert seen["most"] == 1
    assert seen["targets"] == targets(frame)
    assert frame["path"].to_list() == paths(MIX, choose_paths(MIX, 30, seed=11))
    assert (frame["sent_us"][1:] >= frame["finished_us"][:-1]).all()
    assert frame["planned_us"].is_null().all()
    assert frame["n"].to_list() == list(range(30))
    assert seen["opened"] == 2  # one more for the log


def test_the_service_s_own_timings_are_recorded(stub: Stubs, play: Callable[..., Outcome]) -> None:
    frame = play(stub("--hold-ms", "5").url, Sequential(requests=5)).requests
    assert (frame["work_us"] >= 5000).all()
    assert (frame["release_us"] == 1).all()
    assert (frame["app_us"] >= frame["work_us"]).all()
    assert (frame["finished_us"] - frame["sent_us"] >= frame["app_us"] - 1).all()
    assert (frame["sent_us"] >= 0).all()


@pytest.mark.parametrize("requests", [1, 50, 300])
def test_a_burst_is_in_flight_at_once(stub: Stubs, play: Callable[..., Outcome], requests: int) -> None:
    server = stub()
    outcome = play(server.url, Burst(requests=requests), Share(path=f"/api/gather?n={requests}"))
    frame, seen = outcome.requests, server.log()
    assert seen["most"] == requests == len(seen["targets"]) == frame.height
    assert (frame["status"] == 200).all()
    assert sorted(frame["user"]) == list(range(requests))
    assert (frame["planned_us"] == 0).all()
    assert (frame["sent_us"] >= 0).all()
    assert frame["sent_us"].is_sorted()
    # The log itself comes over one more connection.
    assert seen["opened"] == requests + 1


def test_connections_that_the_service_closed_are_opened_again_before_the_burst(
    stub: Stubs, play: Callable[..., Outcome]
) -> None:
    server = stub("--close-after-health")
    at_start: list[dict[str, Any]] = []
    outcome = play(
        server.url,
        Burst(requests=20),
        Share(path="/api/gather?n=20"),
        on_start=lambda _: at_start.append(server.log()),
    )
    frame, seen = outcome.requests, server.log()
    # Each twice, and two for the log; a slow server accepts the second ones when the log has been asked already.
    assert at_start[0]["opened"] + seen["opened"] == 42
    assert (frame["status"] == 200).all()
    assert len(at_start[0]["targets"] + seen["targets"]) == frame.height == 20


def test_those_whom_the_pool_turned_away_are_told_apart(stub: Stubs, play: Callable[..., Outcome]) -> None:
    # Five are served at once, and nobody after them lives to see a connection come back.
    server = stub("--connections", "5", "--hold-ms", "600", "--acquire-timeout-ms", "100")
    frame = play(server.url, Burst(requests=12)).requests
    counts = frame.group_by("status", "error").len().sort("status").rows()
    assert counts == [(200, "none", 5), (503, "pool_exhausted", 7)]
    turned_away = frame.filter(pl.col("status") == 503)
    assert (turned_away["acquire_us"] >= 100_000).all()
    assert turned_away["work_us"].is_null().all()


@pytest.mark.parametrize("arrivals", ["uniform", "poisson"])
def test_open_load_sends_every_planned_request_once(stub: Stubs, play: Callable[..., Outcome], arrivals: Any) -> None:
    server = stub("--connections", "50", "--hold-ms", "2")
    load = Open(rate_per_s=300, seconds=1.5, arrivals=arrivals)
    outcome = play(server.url, load, *MIX)
    frame, seen = outcome.requests, server.log()
    plan = planned_times(load, seed=11)
    assert frame["planned_us"].to_list() == [round(planned_s * 1e6) for planned_s in plan]
    assert frame["n"].to_list() == list(range(len(plan)))
    assert frame["path"].to_list() == paths(MIX, choose_paths(MIX, len(plan), seed=11))
    assert sorted(seen["targets"]) == sorted(targets(frame))
    assert (frame["sent_us"] >= frame["planned_us"]).all()
    assert frame["sent_us"].is_sorted()
    assert (frame["status"] == 200).all()


def test_open_load_does_not_wait_for_answers(stub: Stubs, play: Callable[..., Outcome]) -> None:
    # Answers come when all 200 are in flight: more than were warmed, and none if any had waited for another.
    server = stub()
    load = Open(rate_per_s=200, seconds=1, arrivals="uniform")
    frame = play(server.url, load, Share(path="/api/gather?n=200")).requests
    assert (frame["status"] == 200).all()
    assert server.log()["most"] == 200


def test_closed_users_wait_think_and_are_never_more(stub: Stubs, play: Callable[..., Outcome]) -> None:
    server = stub()
    load = Closed(stages=(Stage(users=4, seconds=0), Stage(users=4, seconds=0.6)), think_s=0.03)
    frame, seen = play(server.url, load, *MIX).requests, server.log()
    assert seen["most"] <= 4
    assert sorted(seen["targets"]) == sorted(targets(frame))
    assert sorted(frame["user"].unique()) == [0, 1, 2, 3]
    for (user,), own in frame.group_by("user"):
        assert (own["sent_us"][1:] - own["finished_us"][:-1] >= load.think_s * 1e6 - 1).all()
        stream = picks(MIX, 11, int(str(user)))
        assert own["path"].to_list() == [MIX[next(stream)].path for _ in own["path"]]
    assert frame["planned_us"].is_null().all()
    # The last to be sent was sent before the stages were over, thinking apart.
    assert float(frame["sent_us"].max()) > 30_000  # type: ignore[arg-type] # polars: a column may be of any type


def test_closed_users_come_and_go_by_the_stages(stub: Stubs, play: Callable[..., Outcome]) -> None:
    up = (Stage(users=1, seconds=0), Stage(users=5, seconds=0.8), Stage(users=5, seconds=0.3))
    stages = (*up, Stage(users=2, seconds=0), Stage(users=2, seconds=0.6))
    server = stub("--connections", "1", "--hold-ms", "2")
    frame, seen = play(server.url, Closed(stages=stages)).requests, server.log()
    assert seen["most"] == 5
    assert len(seen["targets"]) == frame.height
    first = frame.group_by("user").agg(pl.col("sent_us").min()).sort("user")
    assert first["user"].to_list() == [0, 1, 2, 3, 4]
    assert all(sent >= due for sent, due in zip(first["sent_us"], [0, 200_000, 400_000, 600_000, 800_000], strict=True))
    last = frame.group_by("user").agg(pl.col("sent_us").max()).sort("user")["sent_us"]
    # Who came last goes first.
    assert last[2:].max() < last[:2].min()  # type: ignore[operator] # polars: a column may be of any type


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/api/reset", "reset"),
        ("/api/close", "reset"),
        ("/api/cut", "reset"),
        ("/api/silent", "gave_up"),
    ],
)
@pytest.mark.parametrize(
    "load",
    [
        Sequential(requests=6),
        Burst(requests=6),
        Open(rate_per_s=60, seconds=0.1, arrivals="uniform"),
    ],
)
def test_no_failure_is_lost_or_sent_again(
    stub: Stubs, play: Callable[..., Outcome], path: str, error: str, load: Load
) -> None:
    server = stub()
    outcome = play(server.url, load, Share(path=path), give_up_s=0.2)
    frame = outcome.requests
    assert server.log()["targets"] == [path] * 6
    assert frame["status"].to_list() == [0] * 6
    assert frame["error"].to_list() == [error] * 6
    assert frame["app_us"].is_null().all()
    if error == "gave_up":
        assert (frame["finished_us"] - frame["sent_us"] >= 199_999).all()


def test_failures_leave_the_rest_alone(stub: Stubs, play: Callable[..., Outcome]) -> None:
    mix = (Share(path="/api/reset"), Share(path="/api/query?hold_ms=1"), Share(path="/api/nowhere"))
    server = stub()
    load = Open(rate_per_s=200, seconds=1)
    frame, seen = play(server.url, load, *mix).requests, server.log()
    assert sorted(seen["targets"]) == sorted(targets(frame))
    met = {(row["path"], row["status"], row["error"]) for row in frame.iter_rows(named=True)}
    assert met == {(mix[0].path, 0, "reset"), (mix[1].path, 200, "none"), (mix[2].path, 404, "other")}


def test_a_service_that_goes_away_is_refused_connection(stub: Stubs, play: Callable[..., Outcome]) -> None:
    server = stub()
    frame = play(server.url, Sequential(requests=3), on_start=lambda _: server.stop()).requests
    assert frame["status"].to_list() == [0] * 3
    assert frame["error"].to_list() == ["refused_connection"] * 3


def test_redirects_are_not_followed(stub: Stubs, play: Callable[..., Outcome]) -> None:
    server = stub()
    frame = play(server.url, Sequential(requests=2), Share(path="/redirect")).requests
    assert frame["status"].to_list() == [302, 302]
    assert server.log()["targets"] == ["/redirect"] * 2


def test_the_start_is_told_before_it_comes(stub: Stubs, play: Callable[..., Outcome]) -> None:
    server = stub()
    told: list[float] = []
    outcome = play(server.url, Burst(requests=3), on_start=told.append)
    seen = server.log()
    assert told == [outcome.t0]
    arrived = [at for at, target in seen["arrivals"] if target != "/health"]
    # One clock for both processes: nobody arrives before t0, nor before they were sent.
    first_us: Any = outcome.requests["sent_us"].min()
    assert all(at >= outcome.t0 + (first_us - 1) / 1e6 for at in arrived)
    assert outcome.t0 <= time.monotonic()
    assert math.isfinite(outcome.generator_cpu_s)
    assert outcome.generator_cpu_s > 0


def test_the_same_job_twice_asks_the_same(stub: Stubs, play: Callable[..., Outcome], generator: LoadGenerator) -> None:
    server = stub()
    load = Open(rate_per_s=100, seconds=0.5)
    pid = generator.pid
    first, second = play(server.url, load, *MIX).requests, play(server.url, load, *MIX).requests
    assert generator.pid == pid
    for column in ("n", "user", "path", "planned_us"):
        assert_series_equal(first[column], second[column])


def test_nobody_there_fails_the_job_and_not_the_child(
    stub: Stubs, play: Callable[..., Outcome], generator: LoadGenerator
) -> None:
    gone = stub()
    gone.stop()
    pid = generator.pid
    for load in (Sequential(requests=1), Burst(requests=3), Open(rate_per_s=10, seconds=0.2)):
        with pytest.raises(GeneratorFailed, match=r"^http://127\.0\.0\.1:\d+/health cannot be had: .*refused"):
            play(gone.url, load)
    assert play(stub().url, Sequential(requests=1)).sent == 1
    assert generator.pid == pid


def test_a_child_that_dies_is_reported_and_replaced(stub: Stubs, tmp_path: Path) -> None:
    server = stub()
    silent = job(server.url, Sequential(requests=1), tmp_path, Share(path="/api/silent"), give_up_s=60)
    with LoadGenerator() as own:
        own.wait_ready()
        first = own.pid
        with pytest.raises(GeneratorFailed, match=r"died \(exit status -9\)"):
            own.play(silent, lambda _: os.kill(own.pid, signal.SIGKILL), timeout_s=60)
        one = job(server.url, Sequential(requests=1), tmp_path)
        assert own.play(one, timeout_s=60).sent == 1
        assert own.pid != first
        # Bound the whole: the child is ended when it takes longer than it may.
        with pytest.raises(GeneratorFailed, match="did not finish in time"):
            own.play(silent, timeout_s=0.5)


def test_a_bug_in_the_child_shows_its_last_lines(tmp_path: Path, stub: Stubs) -> None:
    workload = Workload(load=Sequential(requests=1), mix=(), seed=1, give_up_s=1)
    empty_mix = HttpJob(workload=workload, out=str(tmp_path), base_url=stub().url)
    with (
        LoadGenerator() as own,
        pytest.raises(GeneratorFailed, match="ValueError: a mix needs at least one path"),
    ):
        own.play(empty_mix, timeout_s=60)


def test_the_child_ignores_ctrl_c_and_ends_with_its_input(stub: Stubs, tmp_path: Path) -> None:
    with LoadGenerator() as own:
        own.wait_ready()
        os.kill(own.pid, signal.SIGINT)
        one = job(stub().url, Sequential(requests=1), tmp_path)
        assert own.play(one, timeout_s=60).sent == 1
        assert os.getsid(own.pid) == own.pid
        child = own._child
        assert child is not None
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(timeout=30) == 0


def test_no_pid_before_the_start() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        _ = LoadGenerator().pid
