"""What is generated, for the stacks of this checkout and for one that lies elsewhere."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from generate.files import COMPOSE, DASHBOARDS, ROOT, elsewhere, generated, stale
from services.stacks import STACKS, usual
from services.stacks_from import load
from tests import elsewhere as own

PROMETHEUS = "observability/prometheus.yml"
QUERIES = "observability/postgres-queries.yml"


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    """Where files are meant to stand, with a stack from elsewhere in the registry."""
    (tmp_path / "stacks").mkdir()
    with own.registry():
        load(own.write_stack(tmp_path / "stacks"))
        yield tmp_path / "out"


def written(out: Path) -> dict[str, str]:
    """What is written to `out`, with the stack beside it."""
    return elsewhere(out.with_name("stacks"), out)


def services(files: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(files[COMPOSE])["services"]
    return found


def test_what_is_committed_is_what_would_be_generated() -> None:
    assert stale(ROOT) == []


@pytest.mark.parametrize(
    ("page", "part"),
    [("docs/contract.md", "bodies"), ("docs/metrics.md", "metrics"), ("results/README.md", "columns")],
)
def test_a_table_that_was_changed_by_hand_is_made_again(tmp_path: Path, page: str, part: str) -> None:
    for path in generated(ROOT):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    begin, file = f"<!-- {part}:begin -->", tmp_path / page
    file.write_text(file.read_text().replace(begin, f"{begin}\n\nby hand"))

    assert stale(tmp_path) == [page]
    assert generated(tmp_path)[page] == (ROOT / page).read_text()


def test_an_installed_bench_needs_what_the_bench_and_the_usual_stacks_need_and_the_others_are_an_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed, groups = project["project"]["dependencies"], project["dependency-groups"]
    more = project["project"]["optional-dependencies"]["more-stacks"]

    assert sorted(set(needed)) == needed
    for name in ("bench", "services", *(stack.name for stack in usual())):
        assert {each for each in groups[name] if isinstance(each, str)} <= set(needed)
    for name in STACKS:
        assert {_plain(each) for each in groups[name] if isinstance(each, str)} <= {*map(_plain, (*needed, *more))}
    assert not set(more) & set(needed)
    assert not set(groups["dev"]) & {*needed, *more}


def _plain(requirement: str) -> str:
    """Without its extras."""
    return re.sub(r"\[.*\]", "", requirement)


def test_what_is_generated_names_every_stack() -> None:
    files = generated(ROOT)
    compose = services(files)
    jobs = {job["job_name"]: job for job in yaml.safe_load(files[PROMETHEUS])["scrape_configs"]}

    for stack in STACKS.values():
        assert compose[stack.name]["environment"]["PORT"] == stack.port
        assert compose[stack.name]["ports"] == [f"127.0.0.1:{stack.port}:{stack.port}"]
        assert ("THREADS" in compose[stack.name]["environment"]) == stack.threads
        address = None if stack.more else f"http://{stack.name}:{stack.port}"
        assert compose["locust"]["environment"].get(f"{stack.name.upper()}_URL") == address
        assert compose[stack.name].get("profiles") == (["more-stacks"] if stack.more else None)
        assert stack.label in files["docs/commands.md"]
    assert compose["k6"]["depends_on"] == {stack.name: {"condition": "service_healthy"} for stack in usual()}
    assert jobs["services"]["static_configs"] == [
        {"targets": [f"{stack.name}:{stack.port}"], "labels": {"service": stack.name}} for stack in usual()
    ]
    assert jobs["services"]["dns_sd_configs"] == [
        {"names": [stack.name], "type": "A", "port": stack.port} for stack in STACKS.values() if stack.more
    ]


def test_with_a_stack_from_elsewhere_every_file_has_it(out: Path) -> None:
    files = written(out)
    mine, home = STACKS[own.NAME], STACKS[own.NAME].home

    assert {path for path in files if "mine" in files[path]} == {
        COMPOSE, PROMETHEUS, QUERIES, "k6/services.js", f"{DASHBOARDS}/pools-side-by-side.json",
    }  # fmt: skip
    service = services(files)["mine"]
    assert service["build"]["args"] == {"SERVICE": "psycopg_flask"}
    assert service["command"] == ["python", "-m", "mine"]
    assert service["volumes"] == [f"{home}:/stacks:ro"]
    assert service["environment"].items() >= {"PORT": own.PORT, "PYTHONPATH": "/stacks"}.items()
    assert {"targets": [f"mine:{mine.port}"], "labels": {"service": "mine"}} in (
        yaml.safe_load(files[PROMETHEUS])["scrape_configs"][0]["static_configs"]
    )


def test_the_compose_stack_mounts_what_was_written_for_it(out: Path) -> None:
    compose = services(written(out))
    mounted = {volume.split(":")[0] for service in compose.values() for volume in service.get("volumes", ())}

    assert mounted >= {str(out / path) for path in (PROMETHEUS, QUERIES, "k6", DASHBOARDS)}
    assert not mounted & {f"./{path}" for path in (PROMETHEUS, QUERIES, "k6", DASHBOARDS)}
    assert f"{STACKS[own.NAME].home}:/stacks:ro" in compose["locust-worker"]["volumes"]
    assert compose["locust"]["environment"]["STACKS_FROM"] == "/stacks"


def test_libraries_that_no_stack_here_has_take_all_that_are_locked(tmp_path: Path) -> None:
    with own.registry():
        load(own.write_stack(tmp_path, distributions="('asyncpg', 'flask')"))

        assert services(elsewhere(tmp_path, tmp_path))["mine"]["build"]["args"] == {"SERVICE": "all"}


def test_a_column_of_the_dashboard_is_added(out: Path) -> None:
    board = json.loads(written(out)[f"{DASHBOARDS}/pools-side-by-side.json"])

    heads = [panel["title"] for panel in board["panels"][: len(usual())]]
    assert heads == [stack.label for stack in usual()]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool: apt-get install prometheus")
def test_prometheus_takes_its_file(out: Path) -> None:
    out.mkdir()
    file = out / "prometheus.yml"
    file.write_text(written(out)[PROMETHEUS].replace("/etc/prometheus", str(ROOT / "observability")))

    done = subprocess.run(["promtool", "check", "config", file], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_every_loop_of_the_runbook_over_ports_is_over_those_of_all_stacks() -> None:
    """Its blocks print what each service says: another stack has to be met by its reader."""
    loops = re.findall(r"for port in ([\d ]+);", (ROOT / "RUNBOOK.md").read_text())

    assert loops
    assert set(loops) == {" ".join(str(stack.port) for stack in usual())}
