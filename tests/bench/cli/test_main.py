"""The commands as a person uses them: their words, their refusals, their exit status."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from socket import create_server

import psutil
import pytest

from bench.cli.main import obey
from bench.record.store import Store
from bench.record.stored import load
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.profiles import PROFILES
from bench.targets.process import ROOT, free_port, port_in_use
from services.stacks import STACKS, usual
from services.workload.samples import REQUESTS
from tests.bench import made
from tests.waiting import until

pytestmark = pytest.mark.long

BENCH = (sys.executable, "-m", "bench.cli")


def bench(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*BENCH, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | environment,
    )


def test_list_names_everything_there_is() -> None:
    done = bench("list")

    assert done.returncode == 0
    for name in (*SCENARIOS, *PROFILES, *STACKS):
        assert name in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run([*BENCH, "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    said = "bench: nothing more can be written (No space left on device): make room, on the disk or in TMPDIR\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_a_forecast_needs_nothing_that_runs() -> None:
    done = bench("forecast", "-x", "burst-timeout", "--pool", "10", PG_BIN="/nowhere")

    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[:4] for row in rows if row[:1] == ["burst-timeout"]] == [["burst-timeout", "100", "0", "100"]]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("run", "-s", "asyncpg_fastapy"), "unknown service 'asyncpg_fastapy': did you mean asyncpg_fastapi?"),
        (("run", "-x", "burst-timout"), "unknown scenario 'burst-timout': did you mean burst-timeout?"),
        (("run", "-x", "zzz"), f"unknown scenario 'zzz': there are {', '.join(SCENARIOS)}"),
        (("run", "--profile", "quik"), "unknown profile 'quik': did you mean quick?"),
        (("run", "--tuning", "equalized"), "unknown tuning 'equalized': did you mean equalised?"),
        (("run", "--hold-ms", "0"), "Invalid value for '--hold-ms': 0 is not in the range 1<=x<=60000."),
        (("run", "--hold-ms", "2", "-x", "burst-timeout"), "--hold-ms 2: burst-timeout at a hold of 2 ms has its acq"),
        (("run", "--hold-ms", "52", "-x", "fix-shorter-hold"), "--hold-ms 52: fix-shorter-hold holds for 0.2 × 52 ms"),
        (("run", "--repeat", "-1"), "Invalid value for '--repeat': -1 is not in the range 1<=x<=1000."),
        (("run", "--seed", "one"), "Invalid value for '--seed': 'one' is not a valid integer range."),
        (("run", "--resume"), "--resume goes on with a run: say which by --out DIR"),
        (
            ("run", "--target", "swarm"),
            "unknown target 'swarm': there are local, compose, and addresses as http://host",
        ),
        (
            ("run", "--target", "host:8000"),
            "unknown target 'host:8000': there are local, compose, and addresses as http",
        ),
        (("run", "--target", "ftp://host"), "'ftp://host' is no address: write it as http://host:port"),
        (("run", "-s", "mine=host:8000"), "'host:8000' is no address: write it as http://host:port"),
        (("run", "-s", "=http://host"), "-s =http://host: a name has letters, digits, and . _ - in it: write NAME=URL"),
        (
            ("run", "-s", "mine=http://h", "-s", "psycopg_flask"),
            "-s mine=http://h has an address and -s psycopg_flask has none: write NAME=URL for all or for none",
        ),
        (
            ("run", "-s", "a=http://h", "-s", "a=http://i"),
            "-s a has two addresses: give each a name of its own, -s NAME=URL",
        ),
        (
            ("run", "--target", "compose", "-s", "mine=http://h"),
            "--target compose has its own services and -s mine=http://h runs elsewhere: leave one out",
        ),
        (
            ("run", "--target", "http://h", "-s", "psycopg_flask"),
            "-s psycopg_flask has no address: with --target http://h write -s psycopg_flask=URL, or leave it out",
        ),
        (
            ("run", "--target", "http://h", "--pg-bin", "/bin"),
            "--pg-bin is for the embedded PostgreSQL: leave it out, or --target",
        ),
        (("run", "--layer", "pol"), "unknown layer 'pol': did you mean pool?"),
        (
            ("run", "--layer", "pool", "--target", "compose"),
            "--layer pool is played in processes of the bench's own: leave out --target and addresses",
        ),
        (
            ("run", "--layer", "pool", "-s", "mine=http://h"),
            "--layer pool is played in processes of the bench's own: leave out --target and addresses",
        ),
        (
            ("report", "results", "--beside", "results", "--readme", "README.md"),
            "--beside makes tables of its own: leave out --readme and --chart",
        ),
        (
            ("report", "results", "--beside", "results", "--format", "json"),
            "--beside makes tables, and --format json has none: take terminal or md",
        ),
        (("run", "--grafana", "host:3001"), "'host:3001' is no address: write it as http://host:port"),
        (("run", "--profle", "quick"), "No such option '--profle'. Did you mean '--profile'?"),
        (("forecast", "-x", "burst-timout"), "unknown scenario 'burst-timout': did you mean burst-timeout?"),
        (("forecast", "--profile", "quik"), "unknown profile 'quik': did you mean quick?"),
        (("forecast", "--pool", "0"), "Invalid value for '--pool': 0 is not in the range 1<=x<=10000."),
        (("forecast", "--timeout", "0"), "Invalid value for '--timeout': 0.0 is not in the range 0<x<=86400"),
        (
            ("forecast", "--hold-ms", "10"),
            "--hold-ms 10: burst-timeout at a hold of 10 ms has its acquire timeout end 5 ms",
        ),
        (("check", "sqlalchemy"), "unknown service 'sqlalchemy': did you mean sqlalchemy_flask?"),
        (("report", "/nowhere"), "no run in /nowhere: `bench run --out /nowhere` makes one"),
        (("report", str(ROOT / "results")), f"{ROOT / 'results'} is a folder with "),
        (("run", "--repeat", "often"), "Invalid value for '--repeat': 'often' is not a valid integer range."),
        (("run", "--aa", "asyncpg"), "unknown service 'asyncpg': did you mean asyncpg_fastapi?"),
        (
            ("run", "--aa", "psycopg_flask", "-s", "asyncpg_fastapi"),
            "--aa plays one service of the bench's own against itself: leave out -s and --target",
        ),
        (
            ("run", "--aa", "psycopg_flask", "--target", "compose"),
            "--aa plays one service of the bench's own against itself: leave out -s and --target",
        ),
        *(
            (("run", "-s", "asyncpg_fastapi", "--with", asked), expected)
            for asked, expected in (
                ("asyncpg", "--with asyncpg: write NAME==VERSION, or NAME@PATH for a source tree"),
                ("./asyncpg", "--with ./asyncpg: write NAME==VERSION, or NAME@PATH for a source tree"),
                ("asyncpg>=0.31", "--with asyncpg>=0.31: write NAME==VERSION, or NAME@PATH for a source tree"),
                ("asyncpg==newest", "--with asyncpg==newest: newest is no version: write NAME==VERSION, or NAME@PATH"),
                (
                    "asyncpg@docs",
                    "--with asyncpg@docs: docs is no source tree, which has a pyproject.toml or a setup.py",
                ),
                ("asyncgp==0.31.0", "no stack is made with asyncgp: did you mean asyncpg?"),
                ("flask==3.0.0", "asyncpg_fastapi is not made with flask: take -s psycopg_flask"),
                ("asyncpg==0.31.0,flask==3.0.0", "no stack is made with asyncpg and flask: give each a --with of its"),
                (
                    f"asyncpg=={version('asyncpg')}",
                    f"asyncpg_fastapi is made with asyncpg=={version('asyncpg')} already",
                ),
            )
        ),
        (
            ("run", "--aa", "asyncpg_fastapi", "--with", "asyncpg==0.31.0"),
            "--with starts services of the bench's own with other libraries: leave out --aa",
        ),
        (
            ("run", "--target", "http://127.0.0.1:9", "--with", "asyncpg==0.31.0"),
            "--with starts services of the bench's own with other libraries: leave out --target and addresses",
        ),
        (("report", "results", "--chart", "a.svg"), "--chart draws one scenario: say which by -x SCENARIO"),
        (
            ("report", "results", "-x", "one", "--readme", "README.md"),
            "-x shows one scenario: leave it out, or --readme and --beside",
        ),
        (
            ("report", "results", "--details", "--format", "md"),
            "--details is all of a run on a terminal: leave it out, or the rest",
        ),
        (
            ("run", "--details", "--format", "json"),
            "--details is for a terminal, and --format json has everything: leave one out",
        ),
        (("check", "--format", "xml"), "unknown format 'xml': there are terminal, json, junit"),
        (("report", "results", "--chart", "a.gif", "-x", "one"), "a.gif will be an SVG file: call it a.svg"),
        (("export", "/nowhere"), "no run in /nowhere: `bench run --out /nowhere` makes one"),
        (
            ("export", str(ROOT / "results/pool"), "--out", "/"),
            "/ is there already, and not empty: name another folder",
        ),
        (("export", "results", "--format", "tsv"), "unknown format 'tsv': did you mean csv?"),
        (
            ("report", "results", "--readme", "/nowhere/README.md"),
            "/nowhere/README.md is not there: --readme fills a file with markers, as a checkout",
        ),
        (("nonsense",), "No such command 'nonsense'."),
    ],
)
def test_wrong_use_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], expected: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        obey(arguments)

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"bench: {expected}"), err
    assert len(err.splitlines()) == 1
    assert ended.value.code == 2


def test_from_a_shell_wrong_use_is_the_same() -> None:
    done = bench("run", "-x", "burst-timout")

    expected = "bench: unknown scenario 'burst-timout': did you mean burst-timeout?\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)


def test_an_address_where_nothing_answers_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    address = f"http://127.0.0.1:{free_port()}"

    with pytest.raises(SystemExit, match="2"):
        obey(("run", "--target", address))

    expected = f"bench: nothing answers on {address}: start the service, or correct the address\n"
    assert capsys.readouterr().err == expected


def test_a_database_that_cannot_be_reached_is_named_without_its_password(tmp_path: Path) -> None:
    port = free_port()
    url = f"postgresql://labuser:very-secret@127.0.0.1:{port}/labdb"

    done = bench("run", "--profile", "smoke", "--out", str(tmp_path / "run"), "--database-url", url)

    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"bench: cannot reach database labdb on 127.0.0.1:{port} as labuser: start it")
    assert "very-secret" not in done.stdout + done.stderr
    assert not (tmp_path / "run").exists(), "nothing was played, and nothing lies about"


def test_the_environment_names_the_database_and_the_option_wins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POOLBENCH_DATABASE_URL", "mysql://labuser:very-secret@127.0.0.1/labdb")

    for options, told in (
        ((), "the database URL does not begin with postgresql://"),
        (("--database-url", "postgresql://127.0.0.1/labdb"), "the database URL names no user"),
    ):
        with pytest.raises(SystemExit, match="2"):
            obey(("check", "asyncpg_fastapi", *options))
        assert capsys.readouterr().err.startswith(f"bench: {told}")


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("ten years")

    done = bench("run", "--profile", "smoke", "--out", str(tmp_path))

    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith(f"bench: {tmp_path} is not empty: name another directory with --out")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = bench("run", "--profile", "smoke", "--out", str(tmp_path / "file" / "run"))

    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith(f"bench: cannot write to {tmp_path / 'file' / 'run'}")


def test_the_lab_names_the_port_that_is_taken() -> None:
    # Below the ports that the system gives to outgoing connections: none of those can be in the way.
    port = next(port for port in range(20_001, 30_000) if not port_in_use(port - 1) and not port_in_use(port))
    with create_server(("127.0.0.1", port)):
        done = bench("lab", "--base-port", str(port - 1))

    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith(f"bench: port {port} is in use: stop what listens there")


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A temporary directory that PostgreSQL's own user may enter, for all that a bench makes."""
    with tempfile.TemporaryDirectory(prefix="bench-test-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@contextmanager
def running(scratch: Path, log: Path, *arguments: str) -> "Iterator[subprocess.Popen[bytes]]":
    """A bench in the background that has its temporary files in `scratch` and its words in `log`."""
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [*BENCH, *arguments], stderr=stderr, env=os.environ | {"TMPDIR": str(scratch)}, start_new_session=True
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def ends(
    process: "subprocess.Popen[bytes]", number: signal.Signals, below: list[psutil.Process], scratch: Path
) -> None:
    """On this signal it ends as interrupted, and neither a process of it nor a file remains."""
    process.send_signal(number)

    assert process.wait(60) == 130
    psutil.wait_procs(below, timeout=30)
    assert [child for child in below if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    until(lambda: not list(scratch.iterdir()), "an empty temporary directory")


def test_interrupted_it_keeps_what_was_finished_and_leaves_nothing_behind(scratch: Path, tmp_path: Path) -> None:
    out, log = tmp_path / "run", tmp_path / "log"
    arguments = ("run", "-s", "asyncpg_fastapi", "-x", "one", "-x", "burst-timeout", "--out", str(out))
    with running(scratch, log, *arguments) as process:
        until(lambda: " one · asyncpg_fastapi · 1 of 1 served" in log.read_text(), "the first cell")
        below = until(lambda: _with_service(process), "the next service")
        assert len(below) >= 4  # generator, keeper, PostgreSQL, service
        ends(process, signal.SIGINT, below, scratch)
    assert f"what was finished is kept: the same command with --out {out} --resume goes on" in log.read_text()

    report = bench("report", str(out))
    assert report.returncode == 0
    assert "\none " in report.stdout
    resumed = bench(*arguments, "--resume")
    # A machine that has no room for the load is the audit's to refuse, three times.
    assert resumed.returncode == any(cell.status == "rejected" for cell in load(out).run.cells)
    assert " one · " not in resumed.stderr
    assert " burst-timeout · asyncpg_fastapi · " in resumed.stderr


def test_ended_in_the_middle_of_the_check_it_leaves_nothing_behind(scratch: Path, tmp_path: Path) -> None:
    arguments = ("run", "-s", "psycopg_flask", "-x", "one", "--out", str(tmp_path / "run"))
    with running(scratch, tmp_path / "log", *arguments) as process:
        ends(process, signal.SIGTERM, until(lambda: _with_service(process), "the service to be checked"), scratch)


@pytest.mark.parametrize("service", [stack.name for stack in usual()])
def test_ended_while_a_pool_is_played_on_it_leaves_nothing_behind(scratch: Path, tmp_path: Path, service: str) -> None:
    arguments = ("run", "--layer", "pool", "-s", service, "-x", "ramp", "--out", str(tmp_path / "run"))
    with running(scratch, tmp_path / "log", *arguments) as process:
        until(lambda: list(scratch.glob(f"poolbench-samples-*/{REQUESTS}")), "the first samples")
        ends(process, signal.SIGINT, until(lambda: _with_service(process), "the pool's process"), scratch)


def test_ended_while_the_database_is_frozen_it_leaves_nothing_behind(scratch: Path, tmp_path: Path) -> None:
    arguments = ("run", "--layer", "pool", "-s", "asyncpg_fastapi", "-x", "outage-frozen", "--out")
    with running(scratch, tmp_path / "log", *arguments, str(tmp_path / "run")) as process:
        ends(process, signal.SIGINT, until(lambda: _with_frozen(process), "a frozen PostgreSQL"), scratch)


def test_another_run_is_not_resumed(tmp_path: Path) -> None:
    cell, plan = made.cell("one"), made.plan(scenarios=("one",))
    with Store(tmp_path / "run") as store:
        store.save_cell(made.run([cell], scenarios=plan.scenarios), cell, made.requests(cell, [{}]), None)

    there = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    other = bench(
        *("run", "-s", *plan.services, "-x", *plan.scenarios, "--profile", plan.profile),
        *("--hold-ms", str(plan.hold_ms), "--out", str(tmp_path / "run"), "--resume", "--seed", "5"),
    )

    assert (other.returncode, len(other.stderr.splitlines())) == (2, 1)
    assert other.stderr.startswith(f"bench: {tmp_path / 'run'} was run with another seed: ask for the same")
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == there


def test_a_run_is_not_resumed_in_another_environment(tmp_path: Path) -> None:
    cell, plan = made.cell("one"), made.plan(scenarios=("one",))
    with Store(tmp_path / "run") as store:
        store.save_cell(made.run([cell], scenarios=plan.scenarios), cell, made.requests(cell, [{}]), None)

    other = bench(
        *("run", "-s", *plan.services, "-x", *plan.scenarios, "--profile", plan.profile),
        *("--hold-ms", str(plan.hold_ms), "--out", str(tmp_path / "run"), "--resume"),
    )

    assert (other.returncode, len(other.stderr.splitlines())) == (2, 1), other.stderr
    assert other.stderr.startswith(f"bench: {tmp_path / 'run'} was measured with another commit, ")
    assert other.stderr.endswith("measure where it was begun, or take a new --out\n")


def _with_service(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """All that runs below it, once a service does; before that, nothing."""
    try:
        below = psutil.Process(process.pid).children(recursive=True)
        return below if any("services." in word for child in below for word in child.cmdline()) else []
    except psutil.NoSuchProcess:  # one of them ended while it was looked at
        return []


def _with_frozen(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """The same, once some of it stands still."""
    try:
        below = _with_service(process)
        return below if any(child.status() == psutil.STATUS_STOPPED for child in below) else []
    except psutil.NoSuchProcess:
        return []
