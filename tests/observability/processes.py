"""Debian's Prometheus and its exporter for PostgreSQL as processes of a test, configured as in the repository."""

import http.client
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from bench.postgres.database import Database
from bench.targets.http import Client, ServiceError
from bench.targets.process import ROOT, end_with, free_port
from tests.observability.prometheus import Prometheus
from tests.waiting import until

OBSERVABILITY: Final = ROOT / "observability"
RULES: Final = OBSERVABILITY / "rules"
STOP_TIMEOUT_S: Final = 10.0


def program(name: str, package: str) -> str:
    """Where the program is; a test that needs it is skipped without it."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed: install Debian's package {package}")
    return path


@contextmanager
def prometheus(targets: Mapping[str, str], directory: Path) -> Iterator[Prometheus]:
    """A server with the repository's configuration; `targets` has an address for each that stands there."""
    address = f"127.0.0.1:{free_port()}"
    config = directory / "prometheus.yml"
    config.write_text(yaml.safe_dump(moved({**targets, "localhost:9090": address})))
    command = [
        program("prometheus", "prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={address}",
        "--enable-feature=exemplar-storage",
    ]
    with _running(command, f"http://{address}", "/-/ready", directory / "prometheus.log"):
        yield Prometheus(f"http://{address}")


def moved(targets: Mapping[str, str]) -> dict[str, Any]:
    """The repository's configuration with other addresses, and five times as fast; all else is as it stands there."""
    config: dict[str, Any] = yaml.safe_load((OBSERVABILITY / "prometheus.yml").read_text())
    config["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    assert config["rule_files"] == ["/etc/prometheus/rules/*.yml"]
    config["rule_files"] = [f"{RULES}/*.yml"]
    for group in [group for job in config["scrape_configs"] for group in job["static_configs"]]:
        group["targets"] = [targets[target] for target in group["targets"]]
    return config


@contextmanager
def postgres_exporter(database: Database, directory: Path) -> Iterator[str]:
    """An exporter with the repository's queries; gives its address."""
    address = f"127.0.0.1:{free_port()}"
    command = [
        program("prometheus-postgres-exporter", "prometheus-postgres-exporter"),
        f"--web.listen-address={address}",
        f"--extend.query-path={OBSERVABILITY / 'postgres-queries.yml'}",
    ]
    source = {"DATA_SOURCE_NAME": f"{database.dsn}?sslmode=disable"}
    with _running(command, f"http://{address}", "/metrics", directory / "postgres-exporter.log", source):
        yield address


@contextmanager
def _running(
    command: list[str], url: str, ready: str, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """The process, from when `ready` answers 200 until it has ended."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=log.parent,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=partial(end_with, os.getpid()),  # noqa: PLW1509 - started from the main thread, before any lock is held
        )
    try:
        until(lambda: process.poll() is not None or _answers(url, ready), f"an answer of {command[0]}")
        assert process.poll() is None, f"{command[0]} ended:\n{log.read_text()[-2000:]}"
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str, path: str) -> bool:
    try:
        with Client(url) as client:
            return client.exchange("GET", path)[0] == http.client.OK
    except (OSError, http.client.HTTPException, ServiceError):
        return False
