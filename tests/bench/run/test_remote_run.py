"""`bench run` on real services that run elsewhere, as a person uses it: processes that were there before, and go on."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bench.postgres.database import Database
from bench.record.stored import load
from bench.targets.http import Client
from bench.targets.process import LocalService, free_port
from services.common import contract
from tests.bench.check.fake_http import serving
from tests.bench.cli.test_main import BENCH, bench
from tests.bench.run.test_annotations import Stub
from tests.conftest import StartService
from tests.waiting import until

pytestmark = pytest.mark.long


@pytest.fixture
def name() -> str:
    """Which service `start` starts here."""
    return "asyncpg_fastapi"


def config(service: LocalService) -> dict[str, Any]:
    with Client(service.base_url) as client:
        return client.get(contract.CONFIG)


def at_rest(service: LocalService) -> bool:
    with Client(service.base_url) as client:
        stats = client.get(contract.STATS)
    return not stats["pool_used_size"] and "draining" not in stats


def waiting(service: LocalService) -> int:
    with Client(service.base_url) as client:
        return int(client.get(contract.STATS)["waiting_requests"])


def test_a_run_elsewhere_needs_nothing_but_the_address(start: StartService, tmp_path: Path) -> None:
    service = start(work_time_ms=70, pool_min_size=2, pool_max_size=6)
    found, out = config(service), tmp_path / "run"

    done = bench(
        *("run", "--target", service.base_url, "-x", "burst-10", "-x", "burst-timeout-cpu", "-x", "leak-dropped"),
        *("--hold-ms", "50", "--out", str(out)),
    )

    assert done.returncode == 0, done.stderr
    stored = load(out)
    run = stored.run
    assert (run.plan.target, run.plan.urls) == ("remote", {"asyncpg_fastapi": service.base_url})
    assert (run.environment.database, run.environment.fresh_processes) == (None, False)
    burst, skipped, leak = run.cells
    assert [cell.status for cell in run.cells] == ["ok", "skipped", "ok"]
    assert skipped.why == "needs --database-url: its work is calibrated on the database"
    assert burst.settings is not None
    assert (burst.settings["pool_max_size"], burst.settings["work_time_ms"]) == (5, 50)
    assert burst.cpu is not None
    assert (burst.cpu.service, burst.cpu.postgres, burst.rss_mb) == (None, None, None)
    assert stored.samples["backends"].null_count() == stored.samples.height > 4
    assert stored.requests.filter(scenario="burst-10")["status"].to_list() == [200] * 10
    assert [event.kind for event in stored.events] == ["leak"] * 5 + ["release_leaks"]
    assert leak.began_s is not None
    assert "skipped: needs --database-url" in " ".join(done.stdout.split())
    details = " ".join(bench("report", str(out), "--details").stdout.split())
    for said in ("target: remote, processes not fresh", "skipped: needs --database-url", "The services ran elsewhere"):
        assert said in details
    assert "CPU per request" not in details
    assert config(service) == found
    until(lambda: at_rest(service), "a service with nothing leaked")


def test_with_its_database_postgres_has_its_say(start: StartService, database: Database, tmp_path: Path) -> None:
    service, out = start(), tmp_path / "run"

    done = bench(
        *("run", "-s", f"mine={service.base_url}", "-x", "burst-timeout-cpu", "-x", "burst-10", "--hold-ms", "50"),
        *("--out", str(out), "--database-url", database.dsn),
    )

    assert done.returncode == 0, done.stderr
    stored = load(out)
    assert [(cell.service, cell.status) for cell in stored.run.cells] == [("mine", "ok")] * 2
    assert stored.run.environment.database == "given"
    cpu = next(cell for cell in stored.run.cells if cell.scenario == "burst-timeout-cpu")
    assert cpu.settings is not None
    assert cpu.settings["work_units"] > 0
    peaks = stored.samples.group_by("scenario").agg(pl.col("backends").max())
    assert set(peaks["backends"]) == {5}


def test_two_services_side_by_side_and_marks_in_grafana(database: Database, tmp_path: Path) -> None:
    stub = Stub()
    with (
        LocalService("asyncpg_fastapi", database) as one,
        LocalService("psycopg_flask", database, {"threads": 128}) as other,
        serving(stub.start) as grafana,
    ):
        done = bench(
            *("run", "-s", f"mine={one.base_url}", "-s", f"other={other.base_url}", "-x", "burst-timeout"),
            *("--hold-ms", "50", "--out", str(tmp_path / "run")),
            GRAFANA_URL=grafana,
        )

    assert done.returncode == 0, done.stderr
    assert [cell.service for cell in load(tmp_path / "run").run.cells] == ["mine", "other"]
    assert len(stub.asked) == 2
    assert "no annotations" not in done.stderr


def test_a_server_with_too_few_threads_is_not_measured_under_more_requests(database: Database, tmp_path: Path) -> None:
    with LocalService("psycopg_flask", database, {"threads": 24}) as service:
        done = bench(
            *("run", "--target", service.base_url, "-x", "burst-10", "-x", "burst-50", "--hold-ms", "50"),
            *("--out", str(tmp_path / "run")),
        )

    assert done.returncode == 0, done.stderr
    cells = load(tmp_path / "run").run.cells
    assert [(cell.scenario, cell.status) for cell in cells] == [("burst-10", "ok"), ("burst-50", "skipped")]
    assert "its server has 24 threads, and 58 are needed" in " ".join(done.stdout.split())


def test_a_grafana_that_is_away_fails_no_run(start: StartService, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    done = bench(
        *("run", "--target", start().base_url, "-x", "one", "-x", "burst-10", "--grafana", url),
        *("--out", str(tmp_path / "run")),
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("no annotations: Grafana at") == 1


def test_interrupted_it_puts_back_what_it_found_and_goes_on_with_resume(start: StartService, tmp_path: Path) -> None:
    service, log = start(pool_min_size=2, pool_max_size=3), tmp_path / "log"
    found, out = config(service), tmp_path / "run"
    arguments = ("run", "--target", service.base_url, "-x", "one", "-x", "ramp", "--hold-ms", "50", "--out", str(out))
    with log.open("w") as stderr:
        process = subprocess.Popen([*BENCH, *arguments], stderr=stderr, env=os.environ, start_new_session=True)
    try:
        until(lambda: " one · asyncpg_fastapi · 1 of 1 served" in log.read_text(), "the first cell")
        until(lambda: not at_rest(service), "the load of the second")

        process.send_signal(signal.SIGINT)

        assert process.wait(60) == 130
    finally:
        process.kill()
    assert config(service) == found
    until(lambda: at_rest(service), "a service at rest")
    assert service.alive

    other = bench("run", "-s", "asyncpg_fastapi", *arguments[3:], "--resume")
    assert (other.returncode, len(other.stderr.splitlines())) == (2, 1)
    assert f"{out} was run with another target, urls: ask for the same" in other.stderr
    resumed = bench(*arguments, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert " one · " not in resumed.stderr
    assert " ramp · asyncpg_fastapi · " in resumed.stderr


def test_a_service_that_goes_away_is_a_failed_cell(start: StartService, tmp_path: Path) -> None:
    service, log = start(), tmp_path / "log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [*BENCH, "run", "-s", f"mine={service.base_url}", "-x", "ramp", "--out", str(tmp_path / "run")],
            stderr=stderr,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        until(lambda: waiting(service) > 5, "the load, which is more than the warm-up is")
        service.stop()
        assert process.wait(100) == 1
    finally:
        process.kill()
    (cell,) = load(tmp_path / "run").run.cells
    assert cell.status == "failed"
    assert str(cell.why).startswith("mine after the load: ")
    assert "mine is not as it was found: " in log.read_text()


def test_what_cannot_be_measured_is_one_line_before_anything_is(database: Database, tmp_path: Path) -> None:
    out = tmp_path / "run"
    settings = {"workers": 2, "threads": 4}
    with (
        LocalService("psycopg_flask", database, settings) as several,
        LocalService("sqlalchemy_fastapi", database, {"tuning": "as_shipped"}) as shipped,
    ):
        for service, text in (
            (
                several,
                "psycopg_flask has 2 worker processes, and what it says is of one of them: start it with WORKERS=1",
            ),
            (shipped, "sqlalchemy_fastapi: tuning is as_shipped there and equalised was asked for: start the service"),
        ):
            done = bench("run", "--target", service.base_url, "-x", "one", "--out", str(out))

            assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
            assert done.stderr.startswith(f"bench: {text}")
    assert not out.exists()
