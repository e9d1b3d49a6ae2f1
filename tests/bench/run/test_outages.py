"""Outages for real: over HTTP and on the pool alone, on a PostgreSQL that the run has started."""

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from io import StringIO
from pathlib import Path

import polars as pl
import pytest

from bench.analysis.answers import answers_of
from bench.analysis.outages import served_again_s
from bench.check import check
from bench.errors import PostgresDied
from bench.load.driver import LoadGenerator
from bench.postgres.database import connect, load_schema
from bench.postgres.embedded import EmbeddedPostgres
from bench.postgres.freezable import Freezable
from bench.record.schema import Layer
from bench.record.store import Store
from bench.record.stored import Stored, load
from bench.run.checks import CHECK_ESTIMATE_S
from bench.run.environment import describe
from bench.run.loop import run
from bench.run.matrix import estimate_s, planned_cells
from bench.run.progress import Progress
from bench.run.results import Results
from bench.targets.process import SCHEMA_SQL, LocalService
from bench.targets.target import Target
from tests.bench import made

SCENARIOS = ("outage-killed", "outage-frozen")
MACHINE = ("schedule", "cpu", "machine", "backends")
"""Checks whose verdict depends on what else runs here; a sample may meet a backend that comes and one that goes."""
OF_THE_SERVICE = ("counts", "integrals", "statements", "settings", "clock", "rest")


class Unwilling:
    """A server that cannot be stopped."""

    def freeze(self, most_s: float) -> int:
        raise PostgresDied("the keeper of PostgreSQL has died")

    def thaw(self) -> None:
        pass

    def refuse_death(self) -> None:
        """It lives: only this outage does not come about."""


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """One of its own: nobody else can ask it while it stands still."""
    with EmbeddedPostgres() as server:
        load_schema(server.database, SCHEMA_SQL)
        yield server


def play(
    service: str,
    layer: Layer,
    server: EmbeddedPostgres,
    directory: Path,
    only: str = "",
    stopped: Freezable | None = None,
) -> Stored:
    """A run of both, or of `only` one; `stopped` is frozen in place of the server."""
    plan = made.plan(scenarios=(only,) if only else SCENARIOS, services=(service,), layer=layer)
    progress = Progress([CHECK_ESTIMATE_S, *(estimate_s(cell) for cell in planned_cells(plan))], StringIO())
    store = Store(directory)
    target = Target(server.database, local=True, server=stopped or server)
    run(plan, describe(server.database, "embedded"), target, None, progress, Results(store).add)
    return load(store.directory)


@pytest.mark.parametrize(
    ("service", "layer"), [("asyncpg_fastapi", "http"), ("psycopg_flask", "http"), ("sqlalchemy_fastapi", "pool")]
)
def test_an_outage_strikes_and_is_over(
    service: str, layer: Layer, server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.run.checks.check", partial(check, only=["health"]))

    stored = play(service, layer, server, tmp_path / "run")

    killed, frozen = stored.run.cells
    assert (killed.status, frozen.status) == ("ok", "ok"), (killed.why, frozen.why)
    told = [(event.kind, event.text) for event in stored.events]
    assert told[0] == ("backends_ended", "5 backends ended")
    assert [kind for kind, _ in told] == ["backends_ended", "frozen", "goes_on"]

    failed = stored.requests.filter(scenario="outage-killed").filter(pl.col("status") != 200)
    assert set(failed.select("status", "error").rows()) == {(503, "database_unavailable")}
    late = stored.requests.filter(scenario="outage-frozen")
    assert set(late.filter(pl.col("status") != 200)["error"]) == {"pool_exhausted"}
    stalled = late.filter(pl.col("status") == 200, pl.col("work_us") > 1_000_000)
    assert 1 <= stalled.height <= 5
    for scenario, events in ((killed.scenario, stored.events[:1]), (frozen.scenario, stored.events[1:])):
        assert served_again_s(answers_of(stored.requests.filter(scenario=scenario)), events) is not None
    # While it stands still the pool is looked at all the same, and PostgreSQL is not asked.
    samples = stored.samples.filter(scenario="outage-frozen").filter(pl.col("used").is_not_null())
    from_s, to_s = (event.t_s for event in stored.events[1:])
    meanwhile = samples.filter(pl.col("t_us").is_between(from_s * 1e6 + 100_000, to_s * 1e6 - 100_000))
    assert meanwhile.height > 0
    assert meanwhile["backends"].null_count() == meanwhile.height

    for cell in stored.run.cells:
        verdicts = {finding.name: finding.verdict for finding in cell.audit}
        # What the audit may hold against this machine, it never holds against a service.
        assert {name: verdict for name, verdict in verdicts.items() if name not in MACHINE} == dict.fromkeys(
            OF_THE_SERVICE, "passed"
        ), cell.audit
        assert verdicts["backends"] in ("passed", "noted"), cell.audit


@pytest.mark.parametrize("layer", ["http", "pool"])
def test_an_outage_that_does_not_come_about_is_a_failed_cell(
    layer: Layer, server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.run.checks.check", partial(check, only=["health"]))

    stored = play("asyncpg_fastapi", layer, server, tmp_path / "run", "outage-frozen", Unwilling())

    (cell,) = stored.run.cells
    why = "PostgreSQL could not be stopped: the keeper of PostgreSQL has died"
    assert (cell.status, cell.why) == ("failed", why)


class Striking:
    """A server that stands still, and at the height of it a process is killed."""

    def __init__(self, server: EmbeddedPostgres, strike: Callable[[], None]) -> None:
        self._server = server
        self._strike = strike
        self.thaw = server.thaw
        self.refuse_death = server.refuse_death

    def freeze(self, most_s: float) -> int:
        count = self._server.freeze(most_s)
        self._strike()
        return count


@pytest.mark.parametrize(
    ("victim", "why"),
    [
        (LoadGenerator, "the load generator died (exit status -9)"),
        (LocalService, "asyncpg_fastapi died under the load"),
    ],
)
def test_who_is_killed_while_the_database_stands_still_is_one_failed_cell(
    victim: type[LoadGenerator | LocalService],
    why: str,
    server: EmbeddedPostgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bench.run.checks.check", partial(check, only=["health"]))
    begun: list[LoadGenerator | LocalService] = []
    start = victim.start

    def remember(self: LoadGenerator | LocalService) -> None:
        begun.append(self)
        start(self)  # type: ignore[arg-type] # it is one of that type

    monkeypatch.setattr(victim, "start", remember)

    striking = Striking(server, lambda: os.kill(begun[-1].pid, signal.SIGKILL))
    stored = play("asyncpg_fastapi", "http", server, tmp_path / "run", "outage-frozen", striking)

    (cell,) = stored.run.cells
    assert (cell.status, cell.why) == ("failed", why)
    with connect(server.database) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
