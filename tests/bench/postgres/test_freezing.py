"""A frozen server goes on, or ends, whoever is killed at the height of it; and what was lost is told."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

import bench
from bench.postgres import scratch
from bench.postgres.database import connect, cut_connections
from bench.postgres.embedded import EmbeddedPostgres
from tests.waiting import until

ROOT = Path(bench.__file__).parents[1]
BENCH = """
import sys
from bench.errors import PostgresDied
from bench.postgres.database import connect
from bench.postgres.embedded import EmbeddedPostgres
from bench.postgres.watch import watched
try:
    with EmbeddedPostgres() as server, watched(server):
        connection = connect(server.database)
        server.freeze(600)
        print(server.postmaster_pid, server.directory, flush=True)
        while True:
            connection.execute("SELECT 1")  # no answer comes, unless the server goes on for a moment before it ends
except PostgresDied as died:
    print(died)
"""
"""A bench whose main thread waits in a query on a server that stands still."""


@dataclass
class Frozen:
    """A server that stands still, its keeper, and the guard of the first moment."""

    postmaster: psutil.Process
    keeper: psutil.Process
    guard: psutil.Process
    servers: list[psutil.Process]

    @classmethod
    def of(cls, postmaster_pid: int) -> "Frozen":
        postmaster = psutil.Process(postmaster_pid)
        keeper = postmaster.parent()
        assert keeper is not None
        (guard,) = (child for child in keeper.children() if child != postmaster)
        return cls(postmaster, keeper, guard, [postmaster, *postmaster.children()])

    @property
    def stands_still(self) -> bool:
        # One that had ended just before stays a zombie: a frozen postmaster does not wait for it.
        return {state(process) for process in self.servers} - {psutil.STATUS_ZOMBIE} == {psutil.STATUS_STOPPED}

    @property
    def gone(self) -> bool:
        return not any(map(alive, (self.keeper, self.guard, *self.servers)))


def alive(process: psutil.Process) -> bool:
    return process.is_running() and state(process) not in ("", psutil.STATUS_ZOMBIE)


def state(process: psutil.Process) -> str:
    try:
        return str(process.status())
    except psutil.NoSuchProcess:
        return ""


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary directory of its own, which the server's user can enter, and in which no other run sweeps."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        monkeypatch.setattr("tempfile.tempdir", name)
        monkeypatch.setenv("TMPDIR", name)
        yield Path(name)


@pytest.fixture
def running(place: Path) -> Iterator[tuple[subprocess.Popen[str], Frozen]]:
    """The bench above, and its server; its directory is in `place`."""
    with subprocess.Popen([sys.executable, "-c", BENCH], cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        pid, directory = child.stdout.readline().split()
        assert Path(directory).parent == place
        frozen = Frozen.of(int(pid))
        until(lambda: frozen.stands_still)
        yield child, frozen
        child.kill()


@pytest.mark.parametrize(
    ("victim", "said"),
    [
        ("keeper", "the keeper of PostgreSQL has died: it was killed by SIGKILL\n"),
        ("postmaster", "PostgreSQL has died: its postmaster was killed by SIGKILL\n"),
    ],
)
def test_a_bench_that_waits_for_a_frozen_server_ends_and_says_what_died(
    victim: str, said: str, running: tuple[subprocess.Popen[str], Frozen], place: Path
) -> None:
    child, frozen = running

    getattr(frozen, victim).kill()

    assert child.communicate(timeout=60)[0] == said
    assert child.returncode == 0
    until(lambda: frozen.gone)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("victims", [("bench",), ("bench", "keeper")])
def test_nothing_stays_of_a_frozen_server_whose_bench_was_killed(
    victims: tuple[str, ...], running: tuple[subprocess.Popen[str], Frozen], place: Path
) -> None:
    child, frozen = running

    if "keeper" in victims:
        frozen.keeper.kill()  # first: the bench has no time to say anything
    child.kill()
    child.wait()

    until(lambda: frozen.gone)
    scratch.sweep()
    assert list(place.iterdir()) == []


def test_a_guard_that_was_killed_is_replaced_and_the_next_one_knows_all() -> None:
    with EmbeddedPostgres() as server:
        server.freeze(600)
        frozen = Frozen.of(server.postmaster_pid)

        frozen.guard.kill()

        until(lambda: {*frozen.keeper.children()} - {frozen.guard, frozen.postmaster})
        assert frozen.stands_still
        assert server.died() is None
        frozen.keeper.kill()
        until(lambda: frozen.gone)


def test_a_backend_that_was_killed_ends_the_server_when_it_goes_on() -> None:
    with EmbeddedPostgres() as server, connect(server.database) as connection:
        server.freeze(600)
        frozen = Frozen.of(server.postmaster_pid)
        os.kill(connection.info.backend_pid, signal.SIGKILL)

        server.thaw()

        died = until(server.died)
        assert re.fullmatch(r"PostgreSQL has died: client backend \(PID \d+\) was terminated by signal 9: .*", died)
        until(lambda: frozen.gone)
        assert not server.directory.exists()


def test_a_server_goes_on_when_its_time_is_over_and_nobody_says_so() -> None:
    with EmbeddedPostgres() as server:
        server.freeze(2)
        frozen = Frozen.of(server.postmaster_pid)
        frozen.keeper.suspend()
        try:
            until(lambda: psutil.STATUS_STOPPED not in map(state, frozen.servers))
        finally:
            frozen.keeper.resume()
        with connect(server.database) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_only_a_cut_wakes_a_query_on_a_frozen_server() -> None:
    said: list[str] = []
    with EmbeddedPostgres() as server, connect(server.database) as connection:

        def ask() -> None:
            try:
                connection.execute("SELECT 1")
            except psycopg.OperationalError as error:
                said.append(str(error))

        server.freeze(600)
        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: connection.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE)
        cut_connections()
        asking.join()
        server.thaw()
    assert "server closed the connection unexpectedly" in said[0]


@pytest.mark.parametrize("with_postmaster", [False, True])
def test_the_sweep_ends_a_frozen_server_that_all_have_left(
    with_postmaster: bool, running: tuple[subprocess.Popen[str], Frozen], place: Path
) -> None:
    child, frozen = running
    frozen.keeper.suspend()  # it would replace the guard
    for process in (frozen.guard, frozen.keeper, *([frozen.postmaster] if with_postmaster else [])):
        process.kill()
    child.kill()
    child.wait()
    until(lambda: not alive(frozen.keeper))
    assert psutil.STATUS_STOPPED in map(state, frozen.servers)

    scratch.sweep()

    until(lambda: frozen.gone)
    assert list(place.iterdir()) == []
