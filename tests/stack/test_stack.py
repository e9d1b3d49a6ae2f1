"""What a user of the Compose stack would look at, through the published ports. `make stack-test` runs it.

The tests stand in the order of the story; each leaves the stack as it found it.
"""

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import pytest

from grafana.expressions import expressions
from services.common import contract
from services.stacks import usual
from tests.stack.conftest import PROJECT, ROOT, Stack, get
from tests.test_runbook import BLOCKS, Block
from tests.waiting import until

BENCH = str(Path(sys.executable).with_name("bench"))
GRAFANA = "http://127.0.0.1:3001"
PROMETHEUS = "http://127.0.0.1:9090"
JAEGER = "http://127.0.0.1:16686"
LOCUST = "http://127.0.0.1:8089"
DASHBOARDS = {"pools-side-by-side", "pool-one-service", "pool-any-service"}
SPANS = {"acquire_connection", "database_work"}

pytestmark = pytest.mark.timeout(1800)
"""The first one builds the images."""

STACKS = tuple(stack.name for stack in usual())
PORTS = tuple(stack.port for stack in usual())
SERVICES = pytest.mark.parametrize(("service", "port"), [(stack.name, stack.port) for stack in usual()])


PRINTS = {
    "backends": STACKS,
    "who-is-up": ("asyncpg_fastapi", "sqlalchemy_fastapi"),
    "trace": ("/trace/", "GET /api/query", "acquire_connection", "database_work"),
    "fix-larger-pool-stack": ('"pool_max_size":20\n' * len(STACKS),),
    "k6-ramp-stack": ("pool-exhaustion", *STACKS),
    "locust-page-stack": (),
    "bench-stack": ("burst-timeout", "leak-dropped", "results  "),
    "pgbouncer": ("labdb", "cl_waiting"),
    "without-pgbouncer": (),
}
"""What each of the runbook's blocks for the stack prints, and that it ends well."""
SHORTER = {
    "k6-ramp-stack": ("run --quiet", "run --quiet -e STAGE_S=0.2 -e HOLD_MS=50"),
    "bench-stack": ("-x burst-timeout", "-x burst-timeout --hold-ms 50 --out $(mktemp -d)/run"),
}
IN_DOCKER = [block for block in BLOCKS if block.options.get("tag") == "docker" and block.name not in ("stack", "stop")]


def url(port: int, path: str) -> str:
    return f"http://127.0.0.1:{port}{path}"


def post(address: str, body: dict[str, Any]) -> Any:
    with urlopen(
        Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"}), timeout=30
    ) as answer:
        return json.load(answer)


def test_everything_runs_and_what_can_say_so_is_healthy(stack: Stack) -> None:
    containers = stack.containers()

    assert {one["Service"] for one in containers.values()} >= {
        "postgres",
        "grafana",
        "prometheus",
        "jaeger",
        "otel-collector",
    }
    assert {one["State"] for one in containers.values()} == {"running"}
    assert {one["Health"] for one in containers.values()} <= {"healthy", ""}
    unhealthy = [one["Service"] for one in containers.values() if not one["Health"]]
    assert sorted(unhealthy) == [
        "jaeger",
        "otel-collector",
        "postgres-exporter",
    ]  # their images have nothing to ask with


def test_every_published_port_is_on_loopback(stack: Stack) -> None:
    published = [each for one in stack.containers().values() for each in one["Publishers"] if each["PublishedPort"]]

    assert {each["URL"] for each in published} == {"127.0.0.1"}


@SERVICES
def test_a_service_runs_as_nobody_in_particular_on_a_root_that_it_cannot_write(
    stack: Stack, service: str, port: int
) -> None:
    shown = json.loads(stack.run("docker", "inspect", f"{PROJECT}-{service}-1"))[0]

    assert shown["Config"]["User"] == "10001:10001"
    assert shown["HostConfig"]["ReadonlyRootfs"] is True
    assert shown["HostConfig"]["CapDrop"] == ["ALL"]
    assert shown["HostConfig"]["NanoCpus"] == 1_000_000_000
    assert shown["HostConfig"]["Memory"] == 512 * 2**20


@SERVICES
def test_a_service_keeps_the_contract(stack: Stack, service: str, port: int) -> None:
    stack.run(BENCH, "check", url(port, ""))
    stack.compose("restart", service)  # the check leaks
    stack.compose("up", "--detach", "--wait")


def test_prometheus_reaches_every_target(stack: Stack) -> None:
    def all_up() -> bool:
        targets = get(f"{PROMETHEUS}/api/v1/targets")["data"]["activeTargets"]
        return {one["health"] for one in targets} == {"up"} and len(targets) >= 6

    until(all_up, "every target up")


def test_the_bench_drives_the_stack(stack: Stack, tmp_path: Path) -> None:
    out = tmp_path / "run"

    scenarios = "-x burst-10 -x burst-timeout"
    told = stack.run("bash", "-c", f"{BENCH} run --target compose {scenarios} --repeat 1 --out {out} 2>&1")

    assert "burst-timeout" in told
    assert "no annotations" not in told
    cells = json.loads((out / "summary.json").read_text())["cells"]
    assert {(cell["scenario"], cell["service"]) for cell in cells} == {
        (scenario, service) for scenario in ("burst-10", "burst-timeout") for service in STACKS
    }
    for cell in cells:
        assert cell["metrics"]["failed"]["value"] == 0, cell
        assert (cell["metrics"]["timed_out"]["value"] > 0) == (cell["scenario"] == "burst-timeout")


@SERVICES
def test_jaeger_has_a_trace_of_three_spans_and_one_that_failed(stack: Stack, service: str, port: int) -> None:
    before = get(url(port, contract.CONFIG))
    trace_id = get(url(port, f"{contract.QUERY}?hold_ms=10"))["trace_id"]

    def spans() -> list[dict[str, Any]] | None:
        try:
            traces: list[dict[str, Any]] = get(f"{JAEGER}/api/traces/{trace_id}")["data"]
        except OSError:
            return None
        return traces[0]["spans"] if traces and len(traces[0]["spans"]) == 3 else None

    found = until(spans, f"the trace {trace_id}")
    assert {span["operationName"] for span in found} == SPANS | {f"GET {contract.QUERY}"}
    assert before == get(url(port, contract.CONFIG))

    def failed() -> bool:
        asked = urlencode(
            {"service": service, "tags": '{"error":"true"}', "operation": "acquire_connection", "limit": 20}
        )
        return bool(get(f"{JAEGER}/api/traces?{asked}")["data"])

    until(failed, "a trace of a timeout, from the burst before")


def test_grafana_is_well_and_has_its_sources_and_dashboards(stack: Stack) -> None:
    assert get(f"{GRAFANA}/api/health")["database"] == "ok"
    found = get(f"{GRAFANA}/api/search?type=dash-db")
    assert {board["uid"] for board in found} == DASHBOARDS

    with_password = Request(f"{GRAFANA}/api/datasources", headers={"Authorization": "Basic YWRtaW46YWRtaW4="})
    with urlopen(with_password, timeout=30) as answer:
        assert {source["uid"] for source in json.load(answer)} == {"prometheus", "jaeger"}


def test_every_panel_of_the_comparison_has_data_in_grafana(stack: Stack) -> None:
    board = get(f"{GRAFANA}/api/dashboards/uid/pools-side-by-side")["dashboard"]

    shown = expressions(board, {"__rate_interval": "5m", "more": "asyncpg_fastapi"})
    assert shown
    for panel in shown:
        asked = f"{GRAFANA}/api/datasources/proxy/uid/prometheus/api/v1/query?query={quote(panel.expr)}"
        assert get(asked)["data"]["result"], f"{panel.panel}: {panel.expr}"


def test_the_database_can_be_looked_into(stack: Stack) -> None:
    rows = stack.compose(
        "exec", "-T", "postgres", "psql", "-U", "labuser", "-d", "labdb", "-Atc", "SELECT count(*) FROM items"
    )
    counted = stack.compose(
        "exec",
        "-T",
        "postgres",
        "psql",
        "-U",
        "labuser",
        "-d",
        "labdb",
        "-Atc",
        "SELECT sum(calls) > 0 FROM pg_stat_statements",
    )

    assert rows.strip() == "1000"
    assert counted.strip() == "t"


def test_a_pool_size_of_the_shell_wins(stack: Stack) -> None:
    stack.compose("up", "--detach", "--wait", POOL_MAX_SIZE="20")
    sizes = {port: get(url(port, contract.CONFIG))["pool_max_size"] for port in PORTS}
    stack.compose("up", "--detach", "--wait")

    assert set(sizes.values()) == {20}
    assert {get(url(port, contract.CONFIG))["pool_max_size"] for port in PORTS} == {5}


def test_locust_has_a_web_page_and_as_many_workers_as_asked_for(stack: Stack) -> None:
    stack.compose("--profile", "load", "up", "--detach", "--wait", "--scale", "locust-worker=2")

    until(lambda: len(get(f"{LOCUST}/stats/requests").get("workers") or []) == 2, "two workers")
    with urlopen(LOCUST, timeout=30) as page:
        assert b"locust" in page.read().lower()
    begin = urlencode({"user_count": 6, "spawn_rate": 6}).encode()
    with urlopen(Request(f"{LOCUST}/swarm", begin), timeout=30) as answer:
        assert json.load(answer)["success"] is True
    until(lambda: get(f"{LOCUST}/stats/requests")["total_rps"] > 0, "requests")
    with urlopen(Request(f"{LOCUST}/stop", b""), timeout=30) as answer:
        assert json.load(answer)["success"] is True
    stack.compose("--profile", "load", "rm", "--stop", "--force", "locust", "locust-worker")


def test_k6_runs_in_the_stack(stack: Stack) -> None:
    told = stack.compose("run", "--rm", "-T", "k6", "run", "/scripts/concurrent-burst.js")

    for service in STACKS:
        assert service in told


def test_pgbouncer_stands_between_when_it_is_asked_to(stack: Stack) -> None:
    def console(command: str) -> list[str]:
        psql = ("psql", "-h", "127.0.0.1", "-U", "labuser", "-d", "pgbouncer", "-Atc", command)
        return stack.compose("exec", "-T", "-e", "PGPASSWORD=labpassword", "pgbouncer", *psql).splitlines()

    def between(**settings: str) -> None:
        names = ("pgbouncer", *STACKS)
        command = ("--profile", "pgbouncer", "up", "--detach", "--wait", "--force-recreate", "--no-deps", *names)
        stack.compose(*command, DB_HOST="pgbouncer", **settings)

    between()
    clients = [line for line in console("SHOW CLIENTS") if "labdb" in line]
    version = [int(part) for part in console("SHOW VERSION")[0].split()[-1].split(".")]
    if version < [1, 21]:  # it passes no prepared statements on in transaction pooling
        between(PGBOUNCER_POOL_MODE="session", PGBOUNCER_POOL_SIZE="20")
    for port in PORTS:
        assert get(url(port, f"{contract.QUERY}?hold_ms=10"))["rows_returned"] == contract.ROWS
    servers = [line for line in console("SHOW SERVERS") if "labdb" in line]
    stack.compose("--profile", "pgbouncer", "rm", "--stop", "--force", "pgbouncer")
    stack.compose("up", "--detach", "--wait")

    assert len(clients) >= 3 * 2  # min size of each pool
    assert servers  # and this way the queries went


@pytest.mark.parametrize("block", IN_DOCKER, ids=lambda block: block.name)
def test_the_runbook_s_blocks_do_what_they_say(stack: Stack, block: Block) -> None:
    printed = stack.run("bash", "-e", "-o", "pipefail", "-c", block.code.replace(*SHORTER.get(block.name, ("", ""))))

    for said in PRINTS[block.name]:
        assert said in printed


def test_nothing_stays_after_down(stack: Stack) -> None:
    (stop,) = (block for block in BLOCKS if block.name == "stop")
    stack.run("bash", "-e", "-c", stop.code)

    assert not stack.left()
    assert ROOT.joinpath(".env").exists()
