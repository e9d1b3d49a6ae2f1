"""RUNBOOK.md is played: every block that needs no Docker, in order, prints what stands under it."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from bench.postgres.database import Database
from bench.targets.process import ROOT, LocalService, port_in_use
from services.stacks import usual
from tests.k6.running import needs_k6

pytestmark = pytest.mark.long

TEXT = (ROOT / "RUNBOOK.md").read_text()
FENCE = re.compile(r"^```(\w+)(?: (\{[^\n]*\}))?\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
ABOUT = r"≈(\d+(?:\\\.\d+)?)"
"""In a claim with its signs escaped: a number that varies a little."""
SHORTER = {"locust-headless": ("-t 30s", "-t 3s")}
"""What is long in the runbook, to be watched, and short here."""


@dataclass(frozen=True)
class Block:
    """A fenced block of shell, what Runme is told of it, and what it claims to print."""

    options: dict[str, str]
    code: str
    claim: str | None

    @property
    def name(self) -> str:
        return self.options.get("name", "")

    @property
    def plays_here(self) -> bool:
        """Neither for the Compose stack nor for a terminal of its own."""
        return self.options.get("tag") != "docker" and self.options.get("background") != "true"


def read() -> list[Block]:
    fences = list(FENCE.finditer(TEXT))
    blocks = []
    for nth, fence in enumerate(fences):
        language, options, code = fence.groups()
        if language == "sh":
            after = fences[nth + 1] if nth + 1 < len(fences) else None
            follows = after is not None and after[1] == "text" and after.start() == fence.end()
            blocks.append(Block(json.loads(options or "{}"), code, after[3] if after and follows else None))
    return blocks


BLOCKS = read()


def test_every_block_has_a_name_of_its_own_and_says_where_it_runs() -> None:
    names = [block.name for block in BLOCKS]

    assert len(names) == len(set(names)) == TEXT.count("```sh") > 0
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in names)
    assert [block.name for block in BLOCKS if "docker" in block.code and block.options.get("tag") != "docker"] == []
    assert TEXT.count("```text") == sum(block.claim is not None for block in BLOCKS)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_every_block_is_shell(block: Block) -> None:
    done = subprocess.run(["bash", "-n", "-c", block.code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def base(database: Database) -> Iterator[int]:
    """The lab, from this port on. Its acquire timeout is longer: tests share the machine."""
    first = next(port for port in range(30_001, 32_000, 10) if not any(map(port_in_use, range(port, port + 10))))
    with ExitStack() as stack:
        for nth, each in enumerate(usual()):
            stack.enter_context(LocalService(each.name, database, {"pool_acquire_timeout": 20}, port=first + nth))
        yield first


@needs_k6
def test_the_story_can_be_played_to_its_end(base: int) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("K6_", "LOCUST_"))}
    service = f"http://127.0.0.1:{base + 1}"
    # The ramps take a minute for each service by themselves.
    environment |= {"BASE_URL": service, "BASE_PORT": str(base), "STAGE_S": "0.2", "HOLD_MS": "50"}
    for block in BLOCKS:
        if not block.plays_here:
            continue
        code = block.code
        if block.name in SHORTER:
            assert SHORTER[block.name][0] in code
            code = code.replace(*SHORTER[block.name])
        code = code.replace("localhost:$", "127.0.0.1:$")

        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", code],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

        assert done.returncode == 0, f"{block.name}: {done.stdout}{done.stderr}"
        if block.claim is not None:
            printed = done.stdout
            for nth, known in enumerate(usual()):
                printed = printed.replace(f"{base + nth}: ", f"{known.port}: ")
            assert keeps(printed, block.claim), f"{block.name} printed:\n{printed}\nand claims:\n{block.claim}"


def keeps(printed: str, claim: str) -> bool:
    """Whether the lines are those that are claimed: `≈` marks a number of about that size, `…` a text that varies."""
    pattern = "\n".join(" ".join(line.split()) for line in claim.splitlines())
    claimed = [text.replace("\\", "") for text in re.findall(ABOUT, re.escape(pattern))]
    escaped = re.sub(f"≈{ABOUT[1:]}", r"(\\d+(?:\\.\\d+)?)", re.escape(pattern)).replace("…", r"[^\n]*")
    found = re.fullmatch(escaped, "\n".join(" ".join(line.split()) for line in printed.splitlines()))
    return found is not None and all(map(_about, found.groups(), claimed))


def _about(printed: str, claimed: str) -> bool:
    """A quarter off, and on a slow machine a batch more; what takes less than a millisecond may take five."""
    number = float(claimed)
    slack = 5.0 if "." not in claimed or number < 1 else 0.25
    return abs(float(printed) - number) <= 0.25 * number + slack


@pytest.mark.parametrize(
    ("printed", "claim", "kept"),
    [
        (" 22 200\n 28 503\n", "≈20 200\n≈30 503\n", True),
        ("  5 200\n", "≈20 200\n≈30 503\n", False),
        (" 49 200\n  1 503\n", "≈20 200\n≈30 503\n", False),
        ("0 of 100 served\n", "≈100 of 100 served\n", False),
        ("200 1.002 s\n", "200 ≈1.0 s\n", True),
        ("200 2.002 s\n", "200 ≈1.0 s\n", False),
        ("503 1.002 s\n", "200 ≈1.0 s\n", False),
        ('{"a":1,"b":0.7}\n', '{…"b":≈0.2}\n', True),
        ('{"a":1,"c":2.5}\n', '{…"b":≈2}\n', False),
        ("200\n200\n", "200\n", False),
    ],
)
def test_a_claim_that_is_not_kept_is_noticed(printed: str, claim: str, kept: bool) -> None:
    assert keeps(printed, claim) is kept


def anchors() -> set[str]:
    """What GitHub calls the headings."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", TEXT), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_within_leads_somewhere() -> None:
    linked = set(re.findall(r"\]\(#([^)]+)\)", TEXT))

    assert linked
    assert linked <= anchors()


def test_every_alert_has_a_chapter() -> None:
    rules = yaml.safe_load((ROOT / "observability" / "rules" / "alerts.yml").read_text())
    alerts = [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]

    assert alerts
    assert {rule["alert"].lower() for rule in alerts} <= anchors()
    for rule in alerts:
        assert rule["annotations"]["runbook"] == f"RUNBOOK.md#{rule['alert'].lower()}"


def test_what_is_said_of_the_stack_is_in_it() -> None:
    stack: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    services, code = stack["services"], "\n".join(block.code for block in BLOCKS)
    published = {port.split(":")[-2] for service in services.values() for port in service.get("ports", ())}

    named = set(re.findall(r"docker compose (?:exec|run)(?: -T| --rm| -e \S+)* (\S+)", code))
    profiles = set(re.findall(r"--profile (\w+)", code))
    assert named
    assert named <= set(services)
    assert profiles
    assert profiles <= {profile for service in services.values() for profile in service.get("profiles", ())}
    told = set(re.findall(r"http://localhost:(\d+)", TEXT))
    assert told
    assert told <= published
