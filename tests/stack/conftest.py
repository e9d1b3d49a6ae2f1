"""The Compose stack, brought up once for all tests of this folder, under a project name of its own."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "poolbench-test"


class Stack:
    """`docker compose` as a user types it, in a project that is nobody else's."""

    def run(self, *command: str, **environment: str) -> str:
        """What a command printed; fails the test where it fails."""
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"COMPOSE_PROJECT_NAME": PROJECT} | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (
            f"{' '.join(command)} → {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-6000:]}"
        )
        return done.stdout

    def compose(self, *arguments: str, **environment: str) -> str:
        return self.run("docker", "compose", *arguments, **environment)

    def containers(self, *, all_of_them: bool = False) -> dict[str, dict[str, Any]]:
        """Name → what `docker compose ps` says of it."""
        option = ["--all"] if all_of_them else []
        lines = self.compose("--profile", "*", "ps", *option, "--format", "json").splitlines()
        return {one["Name"]: one for one in map(json.loads, lines)}

    def left(self) -> list[str]:
        """Containers, volumes and networks of the project."""
        label = f"label=com.docker.compose.project={PROJECT}"
        kinds = (["ps", "-a"], ["volume", "ls"], ["network", "ls"])
        return [line for kind in kinds for line in self.run("docker", *kind, "-q", "--filter", label).split()]


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Up and healthy; gone with its volumes at the end."""
    stack = Stack()
    try:
        stack.run("docker", "version")
    except (FileNotFoundError, AssertionError) as error:
        said = str(error).strip().splitlines()[-1]
        pytest.exit(f"no Docker engine answers, and these tests need one with Compose v2: {said}", returncode=2)
    try:
        stack.compose("up", "--build", "--detach", "--wait")
        yield stack
    finally:
        stack.compose("--profile", "*", "down", "--volumes", "--remove-orphans")


def get(url: str) -> Any:
    """The JSON behind a URL."""
    with urlopen(url, timeout=30) as answer:
        return json.load(answer)
