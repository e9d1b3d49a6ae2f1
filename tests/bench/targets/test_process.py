"""Processes of stacks: where Python finds their package, and what is said where it does not."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.postgres.database import Database
from bench.targets.http import Client
from bench.targets.pool import PoolProcess
from bench.targets.process import LocalService, ServiceDied
from services.common import contract
from services.stacks_from import load
from tests import elsewhere


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[str]:
    with elsewhere.registry():
        (stack,) = load(elsewhere.write_stack(tmp_path))
        yield stack.name


def test_a_stack_from_elsewhere_is_started_where_it_lies(
    mine: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.devnull)
    with LocalService(mine, database) as service, Client(service.base_url) as client:
        assert client.get(contract.HEALTH)["service"] == mine


def test_its_pool_alone_is_played_from_there_too(mine: str, database: Database) -> None:
    with PoolProcess(mine, database) as process:
        assert process.settings()["service"] == mine


def test_a_package_that_does_not_import_says_so(mine: str, database: Database, tmp_path: Path) -> None:
    (tmp_path / mine / "__main__.py").write_text("import nothing_of_that_name\n")

    with pytest.raises(ServiceDied, match="mine ended before it answered") as died, LocalService(mine, database):
        pass

    assert "No module named 'nothing_of_that_name'" in died.value.log_tail
