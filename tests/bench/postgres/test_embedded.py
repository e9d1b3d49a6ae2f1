"""The embedded server: what it promises while it runs, and that nothing stays when it ends, however it ends."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

import bench
from bench.errors import UserError
from bench.postgres import scratch
from bench.postgres.database import Database, connect, reachable
from bench.postgres.embedded import EmbeddedPostgres, embedded_postgres
from tests.waiting import until

ROOT = Path(bench.__file__).parents[1]

# A bench that holds a server until its stdin ends. It looks again and again: a signal that comes just before a blocking
# read would be seen after it alone.
BENCH = """
import json, select, sys
from bench.postgres.embedded import EmbeddedPostgres
with EmbeddedPostgres() as server:
    print(json.dumps([str(server.directory), server.postmaster_pid]), flush=True)
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        pass
"""


@dataclass
class Running:
    """A bench in a process group of its own, and what it started."""

    bench: subprocess.Popen[str]
    directory: Path
    postmaster: psutil.Process
    keeper: psutil.Process

    @property
    def gone(self) -> bool:
        return not (self.directory.exists() or alive(self.postmaster) or alive(self.keeper))


StartBench = Callable[..., Running]


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def start_bench() -> Iterator[StartBench]:
    """Starts benches, and sees to their pipes at the end."""
    with contextlib.ExitStack() as benches:
        yield lambda *args, **options: _start_bench(benches, *args, **options)


def _start_bench(
    benches: contextlib.ExitStack, python: str = sys.executable, script: str = BENCH, **options: Any
) -> Running:
    child = subprocess.Popen(
        [python, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **{"cwd": ROOT, **options},
    )
    benches.enter_context(child)
    assert child.stdout is not None
    line = child.stdout.readline()
    assert line, f"the bench ended with {child.wait()}"
    directory, pid = json.loads(line)
    postmaster = psutil.Process(pid)
    keeper = postmaster.parent()
    assert keeper is not None
    return Running(child, Path(directory), postmaster, keeper)


def shown(database: Database, name: str) -> str:
    with connect(database) as connection:
        row = connection.execute("SELECT current_setting(%s, true)", (name,)).fetchone()
    assert row is not None
    return str(row[0])


def test_it_starts_and_answers_with_labdb_as_labuser(server: EmbeddedPostgres) -> None:
    with connect(server.database) as connection:
        row = connection.execute(
            "SELECT current_user::text, current_database()::text, rolsuper,"
            " pg_has_role('pg_monitor', 'member'), pg_has_role('pg_signal_backend', 'member')"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone()

    assert row == ("labuser", "labdb", False, True, True)
    assert shown(server.admin, "is_superuser") == "on"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_connections", "37"),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
        ("autovacuum", "off"),
        ("jit", "off"),
        ("shared_preload_libraries", "pg_stat_statements"),
        ("pg_stat_statements.track", "top"),
    ],
)
def test_its_settings_are_in_force(server: EmbeddedPostgres, name: str, value: str) -> None:
    assert shown(server.admin, name) == value


def test_it_listens_on_loopback_only(server: EmbeddedPostgres) -> None:
    listening = [
        connection.laddr
        for connection in psutil.Process(server.postmaster_pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]

    assert listening == [("127.0.0.1", server.database.port)]


@pytest.mark.parametrize("password", ["", "wrong"])
def test_it_asks_for_the_password(server: EmbeddedPostgres, password: str) -> None:
    right = server.database
    for user in (right.user, server.admin.user):
        with pytest.raises(psycopg.OperationalError, match="password"):
            connect(Database(right.host, right.port, right.name, user, password))


def test_its_directory_is_private(server: EmbeddedPostgres) -> None:
    mode = server.directory.stat().st_mode & 0o777
    assert mode == (0o710 if os.geteuid() == 0 else 0o700)
    assert (server.directory / "data").stat().st_mode & 0o077 == 0
    assert not (server.directory / "password").exists()


def test_it_stops_and_starts_again_on_its_port_with_its_data() -> None:
    with EmbeddedPostgres() as server:
        first = server.postmaster_pid
        with connect(server.database) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        server.stop()
        with pytest.raises(UserError):
            reachable(server.database)
        server.start()
        server.restart()

        assert server.postmaster_pid != first
        with connect(server.database) as connection:
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_nothing_stays_after_a_normal_end() -> None:
    with EmbeddedPostgres() as server:
        postmaster = psutil.Process(server.postmaster_pid)

    assert not server.directory.exists()
    assert not alive(postmaster)


def test_nothing_stays_after_an_exception() -> None:
    server = EmbeddedPostgres()
    with pytest.raises(ZeroDivisionError), server:
        raise ZeroDivisionError

    assert not server.directory.exists()
    assert server.postmaster_pid not in psutil.pids()


def test_nothing_stays_of_a_frozen_server() -> None:
    with EmbeddedPostgres() as server:
        postmaster = psutil.Process(server.postmaster_pid)
        postmaster.suspend()

    assert not server.directory.exists()
    assert not alive(postmaster)


def processes(postmaster: psutil.Process) -> list[psutil.Process]:
    return [postmaster, *postmaster.children(recursive=True)]


def states(postmaster: psutil.Process) -> set[str]:
    """Without those that had ended, and that a frozen postmaster has not waited for."""
    found: set[str] = {process.status() for process in processes(postmaster)}
    return found - {psutil.STATUS_ZOMBIE}


def test_a_frozen_server_answers_nobody_until_it_goes_on() -> None:
    with EmbeddedPostgres() as server, connect(server.database) as connection:
        postmaster = psutil.Process(server.postmaster_pid)

        count = server.freeze(60)

        until(lambda: states(postmaster) == {psutil.STATUS_STOPPED})
        assert count == len(processes(postmaster)) >= 3  # postmaster, background processes, our own backend
        connection.pgconn.send_query(b"SELECT 1")
        assert select.select([connection.fileno()], [], [], 0.2)[0] == []
        server.thaw()
        while answer := connection.pgconn.get_result():
            assert answer.get_value(0, 0) == b"1"
        until(lambda: psutil.STATUS_STOPPED not in states(postmaster))
        server.thaw()  # once more, and nothing happens


def test_nothing_stays_when_the_bench_is_killed(start_bench: StartBench) -> None:
    running = start_bench()
    running.bench.kill()

    until(lambda: running.gone)
    assert running.bench.wait() == -signal.SIGKILL


def test_nothing_stays_when_the_bench_is_killed_while_the_server_is_made() -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o711)
        environment = {**os.environ, "TMPDIR": name}
        with subprocess.Popen([sys.executable, "-c", BENCH], cwd=ROOT, env=environment, stdin=subprocess.PIPE) as child:
            until(lambda: any(place.glob("poolbench-pg-*/data")))
            keepers = psutil.Process(child.pid).children()
            child.kill()

        assert len(keepers) == 1
        until(lambda: not alive(keepers[0]))
        assert list(place.iterdir()) == []


def test_nothing_stays_after_ctrl_c(start_bench: StartBench) -> None:
    running = start_bench(stderr=subprocess.DEVNULL)
    os.killpg(running.bench.pid, signal.SIGINT)

    running.bench.wait(60)
    assert running.gone


def test_nothing_stays_when_the_keeper_is_killed_under_a_living_bench() -> None:
    with EmbeddedPostgres() as server:
        postmaster = psutil.Process(server.postmaster_pid)
        keeper = postmaster.parent()
        assert keeper is not None
        keeper.kill()
        with pytest.raises(RuntimeError, match="keeper"):
            server.restart()

    assert not server.directory.exists()
    assert not alive(postmaster)


def test_the_next_run_sweeps_what_a_killed_keeper_left(
    start_bench: StartBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A place of its own, where no other run sweeps; pytest's own cannot be entered by the server's user.
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o711)
        monkeypatch.setattr("tempfile.tempdir", place)
        running = start_bench(env={**os.environ, "TMPDIR": place})
        running.keeper.kill()  # first: it would clean up when the bench dies
        running.bench.kill()
        running.bench.wait()
        until(lambda: not alive(running.keeper))
        assert running.directory.exists()

        with embedded_postgres() as database:
            reachable(database)
            assert running.gone
        assert list(Path(place).iterdir()) == []


def test_the_sweep_ends_a_server_without_a_keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel does not end it with its keeper (macOS). It stays a zombie here: nobody has waited for it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    directory = tmp_path / "poolbench-pg-left"
    data = directory / "data"
    data.mkdir(parents=True)
    # As PostgreSQL does, it handles SIGQUIT also where a shell's background job inherits that it is ignored.
    pause = "from signal import *; signal(SIGQUIT, SIG_DFL); print(flush=True); pause()"
    with subprocess.Popen([sys.executable, "-c", pause, str(data)], cwd=data, stdout=subprocess.PIPE) as orphan:
        assert orphan.stdout is not None
        assert orphan.stdout.readline()

        scratch.sweep()

        assert not psutil.pid_exists(orphan.pid)
    assert not directory.exists()


def test_the_sweep_touches_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    data = tmp_path / "poolbench-pg-left" / "data"
    data.mkdir(parents=True)  # some person looks around in it
    innocent = subprocess.Popen([sys.executable, "-c", "input()"], cwd=data, stdin=subprocess.PIPE)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "poolbench-pg-link").symlink_to(elsewhere)
    (tmp_path / "poolbench-pg-file").touch()
    (tmp_path / "other-name").mkdir()
    kept = {"poolbench-pg-link", "poolbench-pg-file", "other-name", "elsewhere"}
    if os.geteuid() == 0:
        (tmp_path / "poolbench-pg-theirs").mkdir()
        os.chown(tmp_path / "poolbench-pg-theirs", 65534, -1)
        kept.add("poolbench-pg-theirs")
    alive_one, lock = scratch.private_directory(None)
    kept.add(alive_one.name)

    scratch.sweep()

    assert {path.name for path in tmp_path.iterdir()} == kept
    assert innocent.poll() is None
    os.close(lock)
    scratch.sweep()
    assert not alive_one.exists()
    innocent.communicate(b"\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_a_temporary_directory_that_the_server_cannot_enter_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with pytest.raises(UserError, match=f"cannot enter {tmp_path}: set TMPDIR"):
        EmbeddedPostgres().__enter__()

    assert list(tmp_path.iterdir()) == []


def test_a_busy_port_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} on 127.0.0.1 cannot be used .*: choose another"):
            EmbeddedPostgres(port=port).__enter__()


def test_a_chosen_port_is_taken() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with embedded_postgres(port=port) as database:
        assert database.port == port
        reachable(database)


def test_a_server_that_does_not_start_is_told_with_its_own_words() -> None:
    server = EmbeddedPostgres(max_connections=2)

    with pytest.raises(UserError, match=r"did not start.*max_connections") as error:
        server.__enter__()

    assert "\n" not in str(error.value)
    assert not server.directory.exists()


def runs_the_bench(python: str, options: dict[str, Any]) -> bool:
    try:
        check = [python, "-c", "import bench.postgres.embedded"]
        return subprocess.run(check, cwd=ROOT, capture_output=True, check=False, **options).returncode == 0
    except PermissionError:
        return False


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already")
def test_an_ordinary_user_without_a_home_can_run_it(start_bench: StartBench) -> None:
    packages = Path(psycopg.__file__).parents[1]
    options: dict[str, Any] = {
        "user": "nobody",
        "group": ROOT.stat().st_gid,
        "extra_groups": [],
        "env": {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{packages}:{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    }
    python = next((one for one in (sys.executable, "/usr/bin/python3") if runs_the_bench(one, options)), None)
    if python is None:
        pytest.skip("nobody can read an interpreter with the bench's packages")

    running = start_bench(python, **options)

    assert running.postmaster.username() == running.keeper.username() == "nobody"
    assert running.directory.stat().st_mode & 0o777 == 0o700
    running.bench.communicate()
    assert running.bench.returncode == 0
    assert running.gone
