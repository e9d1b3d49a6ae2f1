"""A load generator for the whole session (its start costs a second), and stubs to play against."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.load.driver import LoadGenerator


class StubProcess:
    """A running stub: where it is, and what it saw since it was last asked."""

    def __init__(self, *options: str) -> None:
        script = Path(__file__).with_name("stub_server.py")
        self.process = subprocess.Popen([sys.executable, str(script), *options], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def log(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/log", timeout=30) as answer:
            seen: dict[str, Any] = json.load(answer)
        seen["targets"] = [target for _, target in seen["arrivals"] if target != "/health"]
        return seen

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def stub() -> Iterator[Callable[..., StubProcess]]:
    """Starts stubs by their options, and ends them after the test."""
    started: list[StubProcess] = []

    def start(*options: str) -> StubProcess:
        started.append(StubProcess(*options))
        return started[-1]

    yield start
    for process in started:
        process.stop()


@pytest.fixture(scope="session")
def generator() -> Iterator[LoadGenerator]:
    with LoadGenerator() as generator:
        yield generator
