"""`perf.kills` accuses what is left and what is not said, and draws the same trials from the same seed."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from perf.kills import LACKS, VICTIMS, Draw, Seen, draws, problems
from perf.victims import MARK, Command, Left
from tests.waiting import until

KEEPER = Draw(command="check", stack="psycopg_flask", victim="keeper", at=0.5)
DIED = "bench: the keeper of PostgreSQL has died: it was killed by SIGKILL\n"
CLEAN = Seen(after_s=1.0, status=1, said=DIED, left=Left(swept=1))


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, []),
        ({"status": 0, "said": "all had been played"}, []),
        ({"after_s": None}, ["the bench hangs"]),
        ({"after_s": 16.0}, ["the bench lived on for 16 s"]),
        ({"said": "Traceback (most recent call last):\n" + DIED}, ["a traceback"]),
        ({"said": "bench: interrupted\n"}, ["does not say what died"]),
        ({"status": 2}, ["does not say what died"]),
        ({"said": "psycopg_flask: refused: fails counts\n" + DIED}, ["accuses a service"]),
        ({"left": Left(processes=("a", "b"))}, ["2 processes left"]),
        (
            {"left": Left(processes=("a",), stopped=1, listeners=1)},
            ["1 processes left", "1 stopped left", "1 ports left"],
        ),
        ({"left": Left(directories=("poolbench-x",))}, ["not swept: poolbench-x"]),
    ],
)
def test_a_trial_is_clean_or_says_what_is_wrong(changed: dict[str, Any], wrong: list[str]) -> None:
    assert problems(KEEPER, replace(CLEAN, **changed)) == wrong


def test_a_service_may_be_accused_of_its_own_death_and_the_run_goes_on() -> None:
    service = replace(KEEPER, victim="service")
    seen = replace(CLEAN, after_s=40.0, said="psycopg_flask: refused: psycopg_flask died while it was checked\n")
    assert problems(service, seen) == []
    assert problems(service, replace(seen, status=2)) == ["exit status 2"]


def test_the_draws_follow_from_the_seed_and_every_victim_has_as_many() -> None:
    first = draws(90, seed=7)
    assert first == draws(90, seed=7)
    assert first != draws(90, seed=8)
    assert Counter(draw.victim for draw in first) == dict.fromkeys(VICTIMS, 10)
    assert not [draw for draw in first if draw.victim in LACKS.get(draw.command, ())]


LEFT = """
import os, signal, socket
listening = socket.create_server(("127.0.0.1", 0))
os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_what_is_left_is_counted_ended_and_swept(tmp_path: Path) -> None:
    command = Command(("check",), tmp_path, mark=tmp_path.name)
    for name in ("poolbench-samples-x", "poolbench-unknown-x"):
        (command.temporary / name).mkdir(parents=True)
    marked = {**os.environ, MARK: command.mark}
    other = {**os.environ, MARK: "another's"}
    with (
        subprocess.Popen([sys.executable, "-c", LEFT], env=marked) as stopped,
        subprocess.Popen([sys.executable, "-c", "input()"], env=other, stdin=subprocess.PIPE) as innocent,
    ):
        until(lambda: psutil.Process(stopped.pid).status() == psutil.STATUS_STOPPED)

        left = command.left(within_s=0)

        assert (len(left.processes), left.stopped, left.listeners, left.swept) == (1, 1, 1, 1)
        assert left.directories == ("poolbench-unknown-x",)
        assert stopped.wait() != 0
        assert innocent.poll() is None
        innocent.communicate(b"\n")
    assert command.left(within_s=0) == Left(directories=("poolbench-unknown-x",))
