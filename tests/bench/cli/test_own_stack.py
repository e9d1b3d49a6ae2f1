"""`--stacks-from DIR`: a stack that lies elsewhere takes part like those of this checkout, with nothing patched."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.postgres.database import Database
from bench.record.schema import StackFacts
from bench.record.stored import load
from bench.targets.http import Client
from bench.targets.process import port_in_use
from services.common import contract
from services.stacks import usual
from tests import elsewhere
from tests.waiting import until

BENCH = (sys.executable, "-m", "bench.cli")
STORED = Path(__file__).parents[3] / "results" / "standard"
ONE_CELL = ("-x", "burst-10", "--hold-ms", "30", "--repeat", "1")


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*BENCH, *arguments], capture_output=True, text=True, timeout=180, check=False)


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    """A directory with one stack, `mine`."""
    directory = tmp_path / "stacks"
    directory.mkdir()
    return elsewhere.write_stack(directory)


def test_it_is_listed_after_the_usual_ones(stacks: Path) -> None:
    done = bench("list", "--stacks-from", str(stacks), "--format", "json")

    assert (done.returncode, done.stderr) == (0, "")
    last = [each for each in json.loads(done.stdout)["services"] if each["usual"]][-1]
    assert (last["name"], last["port"]) == ("mine", 8100)
    assert last["text"] == "my pool, psycopg, Flask, gunicorn with threads"
    assert "mine" in bench("list", "--stacks-from", str(stacks)).stdout


def test_the_option_counts_wherever_it_stands(stacks: Path, database: Database) -> None:
    done = bench("run", "-s", "mine", "--stacks-from", str(stacks), "--aa", "mine")

    assert (done.returncode, done.stderr) == (
        2,
        "bench: --aa plays one service of the bench's own against itself: leave out -s and --target\n",
    )
    assert bench("check", "mine").stderr.startswith("bench: unknown service 'mine': ")


def test_its_contract_is_checked(stacks: Path, database: Database) -> None:
    done = bench("check", "mine", "--stacks-from", str(stacks), "--database-url", str_of(database))

    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("mine: keeps the contract")


@pytest.mark.parametrize("layer", ["http", "pool"])
def test_it_is_played_and_its_label_is_recorded(layer: str, stacks: Path, database: Database, tmp_path: Path) -> None:
    out = tmp_path / "run"
    others = ("asyncpg_fastapi",) if layer == "pool" else ()  # over HTTP each of them is checked first
    named = [option for name in (*others, "mine") for option in ("-s", name)]
    chosen = (*named, "--layer", layer, "--stacks-from", str(stacks))
    done = bench("run", *ONE_CELL, *chosen, "--out", str(out), "--database-url", str_of(database))
    label = "my pool" if layer == "pool" else elsewhere.LABEL

    assert done.returncode == 0, done.stderr
    assert label in " ".join(done.stdout.split())
    run = load(out).run
    assert [(cell.service, cell.status) for cell in run.cells] == [(name, "ok") for name in (*others, "mine")]
    assert run.stacks["mine"] == StackFacts(
        label=elsewhere.LABEL,
        label_alone="my pool",
        pool="my pool",
        driver="psycopg",
        front="Flask",
        server="gunicorn",
        concurrency="threads",
        text="my pool, psycopg, Flask, gunicorn with threads",
        text_alone="my pool, psycopg, a thread for each request",
    )
    # Without the option, and even where the directory is gone, the tables call it as it was called.
    again = bench("report", str(out))
    # Plan and figures; which versions are named, and what to type next, goes by the stacks that are there.
    figures = [text.split("\n\n")[1:3] for text in (again.stdout, done.stdout)]
    assert (again.returncode, figures[0]) == (0, figures[1])
    assert label in " ".join(bench("compare", str(out), str(out)).stdout.split())


def test_a_run_from_before_that_was_recorded_is_called_by_the_registry(tmp_path: Path) -> None:
    before = Path(shutil.copytree(STORED, tmp_path / "run"))
    record = json.loads((before / "run.json").read_text())
    record.pop("stacks", None)
    (before / "run.json").write_text(json.dumps(record))
    (before / "SHA256SUMS").unlink(missing_ok=True)

    done = bench("report", str(before))

    assert done.returncode == 0
    assert all(stack.label in done.stdout for stack in usual())


def test_the_lab_serves_it_too(stacks: Path, database: Database, tmp_path: Path) -> None:
    # Below the ports that the system gives to outgoing connections: none of those can be in the way.
    first = next(port for port in range(24_001, 30_000, 10) if not any(map(port_in_use, range(port, port + 10))))
    command = ("lab", "--base-port", str(first), "--stacks-from", str(stacks), "--database-url", str_of(database))
    log = tmp_path / "log"
    with log.open("w") as out, subprocess.Popen([*BENCH, *command], stdout=out, stderr=out) as process:
        try:
            until(lambda: process.poll() is not None or "Ctrl-C ends it all" in log.read_text(), "the services")
            assert process.poll() is None, log.read_text()
            with Client(f"http://127.0.0.1:{first + len(usual())}") as client:
                assert client.get(contract.HEALTH)["service"] == "mine"
        finally:
            process.send_signal(signal.SIGINT)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("command", "changed", "said"),
    [
        (("list",), {"port": "8000"}, "DIR/stacks.py: port 8000 of mine is that of asyncpg_fastapi: take another"),
        (("run",), {"name": "'psycopg_flask'"}, "DIR/stacks.py: there is a stack called psycopg_flask already: "),
        (("check",), {"pool": "nothing"}, "DIR/stacks.py cannot be read: NameError: name 'nothing' is not defined"),
        (("lab",), {"module": "'nowhere'"}, "DIR/stacks.py: the package nowhere of mine is not there: put it into DIR"),
    ],
)
def test_a_registry_that_cannot_be_used_is_one_line(
    tmp_path: Path, command: tuple[str, ...], changed: dict[str, str], said: str
) -> None:
    done = bench(*command, "--stacks-from", str(elsewhere.write_stack(tmp_path, **changed)))

    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.replace(str(tmp_path), "DIR").startswith(f"bench: {said}")


def test_a_directory_without_a_registry_is_one_line(tmp_path: Path) -> None:
    done = bench("run", "--stacks-from", str(tmp_path))

    assert (done.returncode, done.stderr) == (
        2,
        f"bench: {tmp_path}/stacks.py is not there: a directory of stacks has a stacks.py with a tuple STACKS in it\n",
    )


def test_a_package_that_does_not_import_fails_its_check_and_says_why(stacks: Path, database: Database) -> None:
    (stacks / "mine" / "pool.py").write_text("import nothing_of_that_name\n")

    done = bench("check", "mine", "--stacks-from", str(stacks), "--database-url", str_of(database))

    assert done.returncode == 1
    assert done.stdout.startswith("mine: refused: mine ended before it answered; its last lines:\n")
    assert done.stdout.endswith("ModuleNotFoundError: No module named 'nothing_of_that_name'\n")


def str_of(database: Database) -> str:
    return f"postgresql://{database.user}:{database.password}@{database.host}:{database.port}/{database.name}"
