"""What commands print in which format, and on which stream; nothing is measured here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.check import Report, Result
from bench.cli.main import obey
from bench.record.store import Store
from bench.record.summary import as_json
from bench.run.session import Finished
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.profiles import PROFILES
from services.stacks import STACKS
from tests.bench import made
from tests.bench.report.stored import stored, view_of

CHECKED = Report(
    "mine",
    (
        Result("health", "passed", "200", 0.25),
        Result("capacity", "failed", "6 of <5> at once\x1b", 1.5),
        Result("several", "skipped", "2 worker processes", 0.0),
    ),
    2.0,
)


def keep(directory: Path) -> Path:
    """A burst of ten on one service, stored."""
    cell = made.cell("burst-10")
    with Store(directory) as store:
        run = made.run([cell], scenarios=("burst-10",))
        store.save_cell(run, cell, made.requests(cell, made.fifo_burst(10, 5, 100_000, 1_050_000)), None)
    return directory


def ended(*arguments: str) -> int:
    """The exit status of a command."""
    try:
        obey(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_list_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("list", "--format", "json") == 0

    told = json.loads(capsys.readouterr().out)
    names = {kind: [each["name"] for each in every] for kind, every in told.items()}
    assert names == {"scenarios": [*SCENARIOS], "profiles": [*PROFILES], "services": [*STACKS]}
    assert told["scenarios"][0]["profiles"] == ["standard", "lab"]


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.cli.checks.check", lambda *_, **__: CHECKED)


@pytest.mark.usefixtures("checked")
def test_a_check_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("check", "http://h", "--format", "json") == 1

    (told,) = json.loads(capsys.readouterr().out)
    assert told["checks"][0] == {"name": "health", "verdict": "passed", "detail": "200", "seconds": 0.25}
    assert {name: told[name] for name in ("service", "passed", "refused", "seconds")} == {
        "service": "http://h",
        "passed": False,
        "refused": None,
        "seconds": 2.0,
    }


@pytest.mark.usefixtures("checked")
def test_a_check_for_a_build_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("check", "http://h", "--format", "junit") == 1

    assert (
        capsys.readouterr().out
        == """\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bench check" tests="3" failures="1" errors="0" skipped="1" time="1.750">
  <testsuite name="http://h" tests="3" failures="1" errors="0" skipped="1" time="1.750">
    <testcase classname="http://h" name="health" time="0.250">
      <system-out>200</system-out>
    </testcase>
    <testcase classname="http://h" name="capacity" time="1.500">
      <failure message="6 of &lt;5&gt; at once�" />
    </testcase>
    <testcase classname="http://h" name="several" time="0.000">
      <skipped message="2 worker processes" />
    </testcase>
  </testsuite>
</testsuites>
"""
    )


def test_a_service_that_does_not_start_is_an_error() -> None:
    from bench.report.formats import junit
    from bench.report.listing import check_json

    root = ET.fromstring(junit.checks({"mine": "refused: it ended"}))
    assert (root.get("errors"), [error.get("message") for error in root.iter("error")]) == ("1", ["refused: it ended"])
    assert json.loads(check_json({"mine": "refused: it ended"}))[0]["refused"] == "refused: it ended"


def test_a_run_for_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    view = view_of(stored(made.cell(), made.cell("burst-10", status="failed", why="it died")))
    monkeypatch.setattr("bench.run.session.play_plan", lambda *_, **__: Finished(view, tmp_path))

    assert ended("run", "--format", "json") == 1
    assert capsys.readouterr().out == as_json(view.summary)

    assert ended("run") == 1
    last = f"go on         the same command with --out {tmp_path} --resume"
    assert capsys.readouterr().out.splitlines()[-1] == last


def test_a_report_takes_the_newest_run_and_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ended("report") == 2
    assert capsys.readouterr().err == (
        "bench: no run in results/: `bench run` makes one; or name the directory of another\n"
    )
    for nth, name in enumerate(("b", "a", "c")):
        written = keep(Path("results", name)) / "run.json"
        os.utime(written, (nth % 2, nth % 2))  # the second is the newest
    Path("results", "d").mkdir()

    assert ended("report") == 0

    out, err = capsys.readouterr()
    assert err == "the newest run in results/: results/a\n"
    assert "bench report results/a --details\n" in out


def test_a_report_of_one_scenario(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = str(keep(tmp_path / "run"))

    for form, begins in (("terminal", "burst-10\n"), ("md", "## burst-10\n"), ("csv", "scenario,service,")):
        assert ended("report", directory, "-x", "burst-10", "--format", form) == 0
        assert capsys.readouterr().out.startswith(begins)
    assert ended("report", directory, "-x", "one") == 2
    assert capsys.readouterr().err == f"bench: {directory} has no one: it has burst-10\n"
    assert ended("report", directory, "-x", "burst-10", "--format", "json") == 2
    assert "leave out -x" in capsys.readouterr().err


def test_details_of_a_stored_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = str(keep(tmp_path / "run"))

    assert ended("report", directory, "--details") == 0

    assert "\nHow to read this\n" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["run", "check", "report", "compare", "list", "forecast"])
def test_help_shows_the_values_of_every_choice(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert ended(command, "--help") == 0

    said = "".join(capsys.readouterr().out.split())
    shown = {
        "run": ("[smoke|quick|", "[equalised|as_shipped]", "[http|pool]", "[explicit|context-manager]", *STACKS),
        "check": ("[equalised|as_shipped]", "[terminal|json|junit]"),
        "report": ("[terminal|md|html|json|csv]",),
        "compare": ("[terminal|json|junit]",),
        "list": ("[terminal|json]",),
        "forecast": ("[smoke|quick|",),
    }
    assert [value for value in shown[command] if value not in said] == []


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("bench re", ["report"]),
        ("bench run --profile s", ["smoke", "standard"]),
        ("bench run -x burst-t", ["burst-timeout", "burst-timeout-cpu"]),
        ("bench check asy", ["asyncpg_fastapi"]),
    ],
)
def test_a_shell_completes(line: str, completed: list[str]) -> None:
    words = line.split()
    environment = {"_BENCH_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        [sys.executable, "-m", "bench.cli"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )
    assert [each.partition(",")[2] for each in done.stdout.splitlines()] == completed
