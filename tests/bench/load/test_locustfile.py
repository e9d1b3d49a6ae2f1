"""The locustfile as Locust runs it: alone, with workers and a web UI, and what of it the service has seen."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from bench.scenarios.catalogue import RAMP
from bench.targets.process import ROOT, free_port
from services.common import contract
from services.stacks import usual
from services.workload.arrivals import users_at
from tests.conftest import StartService
from tests.contract.asking import at_rest, stats
from tests.waiting import until

LOCUSTFILE = ROOT / "bench" / "load" / "locustfile.py"
CLASSES = {stack.name: stack.name.title().replace("_", "") for stack in usual()}
POOL = {"pool_min_size": 2, "pool_max_size": 2, "work_time_ms": 60_000}


class Locust:
    """A Locust process; `stop` ends it as `docker stop` would, and says how it ended."""

    def __init__(self, arguments: tuple[str, ...], log: Path, **environment: str) -> None:
        self._log = log
        with log.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--stop-timeout", "60", *arguments],
                cwd=ROOT,
                env={key: value for key, value in os.environ.items() if not key.startswith("LOCUST_")} | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def text(self) -> str:
        return self._log.read_text()

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def stop(self) -> int:
        """SIGTERM; requests under way get their answers first. Returns the exit status."""
        self._process.terminate()
        return self._process.wait(60)

    def wait(self) -> int:
        return self._process.wait(60)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def locust(log: Path, *arguments: str, **environment: str) -> Iterator[Locust]:
    process = Locust(arguments, log, **environment)
    try:
        yield process
    finally:
        process.kill()


def where(name: str, base_url: str) -> dict[str, str]:
    """The environment that tells the locustfile where a service is, and to hold for 20 ms only."""
    return {f"{name.upper()}_URL": base_url, "HOLD_MS": "20", "THINK_S": "0.01"}


def recorded(text: str) -> dict[str, tuple[int, int]]:
    """Requests and failures by name, out of the JSON that Locust prints at its end."""
    found = re.search(r"^\[$.*?^\]$", text, re.MULTILINE | re.DOTALL)
    assert found, text
    return {row["name"]: (row["num_requests"], row["num_failures"]) for row in json.loads(found[0])}


@pytest.mark.parametrize("name", ["psycopg_flask"])  # the classes differ in name and host alone
def test_alone_every_request_is_recorded_and_a_503_is_a_failure_by_its_name(
    start: StartService, name: str, tmp_path: Path
) -> None:
    service = start(**POOL, pool_acquire_timeout=0.05)
    options = ("--headless", "-u", "12", "-r", "12", "--json", "--exit-code-on-error", "7", CLASSES[name])

    with locust(tmp_path / "log", *options, **where(name, service.base_url)) as process:
        until(lambda: process.ended or stats(service)["timed_out_total"] > 20, "twenty that were rejected")
        status = process.stop()

    counted = at_rest(service)
    asked = counted["acquired_total"] + counted["timed_out_total"]
    assert min(counted["acquired_total"], counted["timed_out_total"]) > 0
    assert recorded(process.text) == {f"{name} {contract.QUERY}": (asked, counted["timed_out_total"])}
    assert status == 7


@pytest.mark.parametrize("name", ["sqlalchemy_fastapi"])
def test_a_run_without_failures_ends_well(start: StartService, name: str, tmp_path: Path) -> None:
    service = start(**POOL, pool_acquire_timeout=60)

    with locust(
        tmp_path / "log", "--headless", "-u", "5", "-r", "5", CLASSES[name], **where(name, service.base_url)
    ) as process:
        until(lambda: process.ended or stats(service)["acquired_total"] > 50, "fifty requests")
        status = process.stop()

    assert status == 0, process.text


def python(code: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def call(url: str, **form: Any) -> dict[str, Any]:
    """A request as the web UI's page makes it; a form is posted."""
    with urlopen(url, urlencode(form, doseq=True).encode() if form else None, timeout=30) as answer:
        body: dict[str, Any] = json.load(answer)
    return body


@pytest.mark.parametrize("name", ["asyncpg_fastapi"])
def test_two_workers_share_the_load_that_the_web_ui_asks_for(start: StartService, name: str, tmp_path: Path) -> None:
    service = start(**POOL, pool_acquire_timeout=0.05)
    web, rpc = free_port(), str(free_port())
    url = f"http://127.0.0.1:{web}"
    options = ("--processes", "2", "--class-picker", "--web-host", "127.0.0.1", "--web-port", str(web))
    ports = ("--master-bind-host", "127.0.0.1", "--master-bind-port", rpc, "--master-port", rpc)

    with locust(tmp_path / "log", *options, *ports, **where(name, service.base_url)) as process:

        def seen() -> dict[str, Any]:
            try:
                return call(f"{url}/stats/requests")
            except URLError:
                assert not process.ended, process.text
                return {}

        until(lambda: seen().get("worker_count") == 2, "two workers")
        with urlopen(url, timeout=30) as page:
            assert {*CLASSES.values(), "Ramp"} <= set(re.findall(r"\w+", page.read().decode()))
        answer = call(f"{url}/swarm", user_count=8, spawn_rate=8, user_classes=[CLASSES[name]])
        assert (answer["success"], answer["user_classes"]) == (True, [CLASSES[name]])
        until(lambda: {worker["user_count"] for worker in seen()["workers"]} == {4}, "four users on each worker")
        until(lambda: any(row["num_failures"] for row in seen()["stats"]), "failures, as the page shows them")
        errors = seen()["errors"]
        status = process.stop()

    assert [(error["name"], error["error"]) for error in errors] == [(f"{name} {contract.QUERY}", "503 pool_exhausted")]
    assert status == 1
    assert at_rest(service)["acquired_total"] > 0


@pytest.mark.parametrize("name", ["asyncpg_fastapi"])
def test_the_ramp_comes_and_goes_as_the_scenario_says(start: StartService, name: str, tmp_path: Path) -> None:
    service = start(**POOL, pool_acquire_timeout=60)
    ramp = where(name, service.base_url) | {"SHAPE": "ramp", "STAGE_S": "0.4"}

    with locust(tmp_path / "log", "--headless", CLASSES[name], **ramp) as process:
        most = 0

        def over() -> bool:
            nonlocal most
            most = max(most, stats(service)["waiting_requests"])
            return process.ended

        until(over, "the end of the ramp")
        status = process.wait()

    assert status == 0, process.text
    steps = [int(users) for users in re.findall(r"Shape test updating to (\d+) users", process.text)]
    top = max(stage.users for stage in RAMP.stages)
    assert (steps[0] < top, max(steps)) == (True, top)
    assert most > top / 2


def test_the_ramp_is_the_scenarios() -> None:
    moments = (0.0, 4.9, 10.0, 24.9, 25.0, 44.9, 54.9, 59.9, 60.0)
    code = (
        "import locust, bench.load.locustfile as lab; ramp = lab.Ramp()\n"
        f"for now in {moments}: ramp.get_run_time = lambda: now; print((ramp.tick() or [None])[0])"
    )

    done = python(code, SHAPE="ramp")

    expected = [max(1, users_at(RAMP.stages, moment)) for moment in moments[:-1]]
    assert done.stdout.split() == [*map(str, expected), "None"], done.stderr


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"SHAPE": "rmap"}, "SHAPE can be ramp, or be left out; not 'rmap'"),
        ({"STAGE_S": "five"}, "STAGE_S must be a number, not 'five'"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_line(tmp_path: Path, environment: dict[str, str], expected: str) -> None:
    with locust(tmp_path / "log", "--headless", **environment) as process:
        status = process.wait()

    assert (status, process.text.strip()) == (1, expected)


def test_it_imports_nothing_that_locusts_own_image_lacks() -> None:
    """Locust and what it needs itself; of ours, only modules that do with the standard library."""
    lacking = ("asyncpg", "fastapi", "polars", "prometheus_client", "psycopg", "pydantic", "sqlalchemy", "tabulate")
    blocked = "".join(f"sys.modules[{module!r}] = None; " for module in lacking)

    done = python(f"import sys; {blocked}import locust; import bench.load.locustfile")

    assert (done.returncode, done.stderr) == (0, "")
