"""Commands whose PostgreSQL is lost: they end, and say in one line what has died and how to go on."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf.kills import END_S
from perf.victims import Command, Left, kill, started
from tests.waiting import until

pytestmark = pytest.mark.long


@pytest.fixture
def place() -> Iterator[Path]:
    """pytest's own cannot be entered by the server's user."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name) / "trial"


def ended(command: Command) -> tuple[int, list[str]]:
    """Its exit status, and the lines that it has printed."""
    status = until(lambda: (code := command.bench.poll()) is not None and (code,), "the end of the bench")[0]
    return status, command.said().splitlines()


def test_a_run_whose_keeper_is_killed_while_the_database_stands_still_keeps_what_was_finished(place: Path) -> None:
    out = place / "results"
    scenarios = ("-x", "one", "-x", "outage-frozen", "--profile", "smoke", "--layer", "pool")
    arguments = ("run", "-s", "asyncpg_fastapi", *scenarios, "--out", str(out))
    with started(Command(arguments, place, place.parent.name)) as command:
        until(lambda: "[1/2]" in command.said(), "the first result")
        until(lambda: command.victims("guard"), "the freeze")
        assert kill(command.victims("keeper"))

        status, said = ended(command)
        left = command.left(within_s=END_S)

    assert status == 1
    assert said[1].startswith("[1/2] one · asyncpg_fastapi · ")
    died = "the keeper of PostgreSQL has died: it was killed by SIGKILL"
    kept = f"what was finished is kept: the same command with --out {out} --resume goes on"
    assert said[2:] == [f"bench: {died}; {kept}"]
    assert left == Left()


@pytest.mark.parametrize(
    ("victim", "died"),
    [
        ("keeper", "the keeper of PostgreSQL has died: it was killed by SIGKILL"),
        ("postmaster", "PostgreSQL has died: its postmaster was killed by SIGKILL"),
    ],
)
def test_a_check_whose_postgres_is_lost_does_not_accuse_the_service(victim: str, died: str, place: Path) -> None:
    with started(Command(("check", "asyncpg_fastapi"), place, place.parent.name)) as command:
        until(lambda: command.victims("backend"), "a pool")
        assert kill(command.victims(victim))

        assert ended(command) == (1, [f"bench: {died}"])
        assert command.left(within_s=END_S) == Left()
