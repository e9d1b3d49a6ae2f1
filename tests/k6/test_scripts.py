"""Both k6 scripts against real services: their table agrees with what the service has counted itself."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from bench.scenarios.catalogue import RAMP
from bench.targets.process import ROOT
from services.common import contract
from services.stacks import STACKS, usual
from tests.conftest import StartService
from tests.contract.asking import at_rest, stats
from tests.k6.running import BINARY, BROKEN_THRESHOLDS, Ended, environment, needs_k6, run
from tests.waiting import until

pytestmark = needs_k6

SCRIPTS = ("pool-exhaustion.js", "concurrent-burst.js")
POOL = {"pool_min_size": 2, "pool_max_size": 2}


@pytest.mark.parametrize("name", ["sqlalchemy_fastapi"])  # k6 sees one contract: one service each
def test_the_ramp_counts_what_the_service_counts_and_a_dry_pool_is_no_failure(start: StartService, name: str) -> None:
    service = start(**POOL, pool_acquire_timeout=0.1, work_time_ms=20)

    ended = run("pool-exhaustion.js", BASE_URL=service.base_url, STAGE_S=0.25, THINK_S=0.01, DRAIN_S=10)

    counted = at_rest(service)
    sent, served, timed_out, unexpected = ended.counts("sent", "served", "rejected", "unexpected")
    assert (ended.status, unexpected) == (0, 0), ended.text
    assert (served, timed_out) == (counted["acquired_total"], counted["timed_out_total"])
    assert sent == served + timed_out
    assert min(served, timed_out) > 0
    settings = ("service", "pool", "hold (ms)", "acquire timeout (s)")
    assert [ended.table[label] for label in settings] == [[name], ["2"], ["20"], ["0.1"]]
    latency, acquire = (
        [float(ended.table[f"{what} {quantile}, served (ms)"][0]) for quantile in ("p50", "p95", "p99")]
        for what in ("latency", "acquire")
    )
    assert latency == sorted(latency)
    assert acquire == sorted(acquire)
    assert all(whole > part + 19 for whole, part in zip(latency, acquire, strict=True))
    assert "sent within (ms)" not in ended.table


@pytest.mark.parametrize("name", ["psycopg_flask"])
def test_a_burst_is_at_the_service_all_at_once(start: StartService) -> None:
    service = start(**POOL, pool_acquire_timeout=30, work_time_ms=contract.MAX_HOLD_MS)

    with ThreadPoolExecutor(1) as pool:
        playing = pool.submit(
            run, "concurrent-burst.js", BASE_URL=service.base_url, BURST=6, WARM_S=0.5, HOLD_MS=1000, DRAIN_S=40
        )

        def together() -> bool:
            now = stats(service)
            return (now["pool_used_size"], now["waiting_requests"]) == (2, 4) or playing.done()

        until(together, "two that hold and four that wait")
        assert not playing.done(), playing.result().text
        ended: Ended = playing.result()

    assert ended.status == 0, ended.text
    assert ended.counts("sent", "served", "rejected", "unexpected") == [6, 6, 0, 0]
    assert ended.table["hold (ms)"] == ["1000"]
    assert at_rest(service)["acquired_total"] == 6
    assert float(ended.table["acquire p99, served (ms)"][0]) > 1000
    assert ended.counts("sent within (ms)")[0] < 1000


@pytest.mark.parametrize("name", ["psycopg_flask"])
def test_several_services_have_a_column_each_and_their_turn_alone(start: StartService) -> None:
    services = [start(**POOL, pool_acquire_timeout=2, work_time_ms=1) for _ in range(2)]
    urls = ",".join(f" {service.base_url}/" for service in services)

    ended = run("concurrent-burst.js", BASE_URLS=urls, BURST=4, WARM_S=0.2, DRAIN_S=2.1)

    assert ended.status == 0, ended.text
    assert (ended.table["service"], ended.table["served"]) == (["psycopg_flask"] * 2, ["4", "4"])
    assert [at_rest(service)["acquired_total"] for service in services] == [4, 4]


def inspect(script: str, **settings: object) -> dict[str, dict[str, object]]:
    """What k6 has understood of a script: its scenarios."""
    chosen = [part for key, value in settings.items() for part in ("-e", f"{key}={value}")]
    done = subprocess.run(
        [str(BINARY), "inspect", *chosen, str(ROOT / "k6" / script)],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    scenarios: dict[str, dict[str, object]] = json.loads(done.stdout)["scenarios"]
    return scenarios


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_lab_and_the_compose_stack_are_the_same_services_in_turn(script: str) -> None:
    names = [stack.name for stack in usual()]
    addresses = ",".join(f"http://{stack.name}:{stack.port}" for stack in usual())

    lab = inspect(script)

    assert lab == inspect(script, BASE_URLS=addresses)
    assert list(lab) == names
    assert [scenario["tags"] for scenario in lab.values()] == [{"service": name} for name in names]
    seconds = 60 if script == "pool-exhaustion.js" else 2
    starts = [seconds_of(str(scenario.get("startTime", "0s"))) for scenario in lab.values()]
    assert [later - earlier for earlier, later in pairwise(starts)] == [seconds + 14] * (len(names) - 1)


def test_a_stack_that_has_to_be_asked_for_is_called_by_its_name() -> None:
    more = [stack for stack in STACKS.values() if stack.more]

    found = inspect(SCRIPTS[0], BASE_URLS=",".join(f"http://127.0.0.1:{stack.port}" for stack in more))

    assert set(found) == {stack.name for stack in more}


def seconds_of(duration: str) -> int:
    """`1m14s` in seconds."""
    minutes, _, seconds = duration.rpartition("m")
    return int(minutes or 0) * 60 + int(seconds.removesuffix("s") or 0)


def test_the_ramp_is_the_scenarios() -> None:
    stages = inspect("pool-exhaustion.js")["asyncpg_fastapi"]["stages"]

    assert stages == [{"duration": f"{stage.seconds}s", "target": stage.users} for stage in RAMP.stages]


def test_one_service_of_the_lab_can_be_chosen() -> None:
    assert list(inspect("pool-exhaustion.js", BASE_URL="http://localhost:8001")) == ["psycopg_flask"]
    assert list(inspect("pool-exhaustion.js", BASE_URL="http://db.example:9000/")) == ["db_example_9000"]


@pytest.mark.parametrize("name", ["asyncpg_fastapi"])
def test_the_users_who_are_told_no_can_be_made_a_failure(start: StartService) -> None:
    service = start(**POOL, pool_acquire_timeout=0.05, work_time_ms=1000)
    settings = {"BASE_URL": service.base_url, "BURST": 4, "WARM_S": 0.3, "DRAIN_S": 3}

    assert run("concurrent-burst.js", **settings).status == 0
    ended = run("concurrent-burst.js", **settings, MIN_SERVED=1)

    assert ended.status == BROKEN_THRESHOLDS
    assert ended.counts("served", "rejected") == [2, 2]
