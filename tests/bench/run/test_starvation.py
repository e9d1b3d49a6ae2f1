"""A pool that starves users, played and judged: its goodput is that of an honest one, and its verdict is not."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from bench.analysis.cells import cell_metrics
from bench.analysis.comparison import compare
from bench.analysis.statistics import REPETITIONS_TO_JUDGE
from bench.metrics.model import Metrics
from bench.postgres.database import Database
from services import stacks_from
from tests.bench import made
from tests.bench.playing import play
from tests.elsewhere import registry

HONEST = "asyncpg_fastapi"
STACK = """
    from dataclasses import replace
    from services.stacks import STACKS as KNOWN

    STACKS = (replace(KNOWN["asyncpg_fastapi"], name="unfair", label="unfair", port=8190, module="unfair"),)
"""
POOL = '''
    """Asyncpg's pool, for the first five tasks that ask a second time; all others wait in vain."""

    import asyncio
    from collections import Counter

    from services.asyncpg_fastapi.pool import Pool as Asyncpg


    class Pool(Asyncpg):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self._asked, self._chosen = Counter(), set()

        async def acquire(self, timeout_s):
            task = asyncio.current_task()
            self._asked[task] += 1
            if self._asked[task] == 2 and len(self._chosen) < self.capacity:
                self._chosen.add(task)
            if len(self._chosen) == self.capacity and task not in self._chosen:
                await asyncio.sleep(timeout_s)  # that is the defect
                raise TimeoutError
            return await super().acquire(timeout_s)
'''


@pytest.fixture
def unfair(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "unfair").mkdir()
    (tmp_path / "unfair" / "__init__.py").touch()
    (tmp_path / "unfair" / "pool.py").write_text(dedent(POOL))
    (tmp_path / "stacks.py").write_text(dedent(STACK))
    with registry():
        (stack,) = stacks_from.load(tmp_path)
        yield stack.name


def test_a_pool_that_serves_five_users_is_worse_by_the_share_of_starved_users(unfair: str, database: Database) -> None:
    services = (HONEST, unfair)
    plan = made.plan(services=services, scenarios=("tight-loop",), hold_ms=40, layer="pool")
    metrics: dict[tuple[str, str, int], Metrics] = {}
    for service in services:
        played = play(made.cell("tight-loop", service), plan, database)
        assert (played.cell.status, played.cell.why) == ("ok", None)
        assert played.requests is not None
        assert played.samples is not None
        once = cell_metrics(played.cell, played.requests, played.samples)
        once |= {"cpu_bound": 0.0, "machine_busy": 0.0}  # tests share the machine
        metrics |= {("tight-loop", service, repetition): once for repetition in range(REPETITIONS_TO_JUDGE)}

    ok = [metrics["tight-loop", service, 0]["goodput_per_s"] or 0.0 for service in services]
    assert ok[1] > ok[0] / 2
    (found,) = compare(("tight-loop",), services, metrics)
    assert (found.verdict, found.better, found.metric) == ("better", HONEST, "starved_share")
    assert found.percent is not None
    assert found.percent > 50
    assert found.why.endswith("of users were served under half the mean")
