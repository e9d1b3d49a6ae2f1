"""The pools under a model: nothing is lost, doubled, forgotten or carried over; an adapter with a fault is found."""

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from bench.postgres.database import Connection, Database
from perf.histories import __main__ as command
from perf.histories.machine import play
from perf.histories.played import Broken, Subject
from perf.histories.session import telling
from services.common.contract import Tuning
from services.pools.adapters import adapter_of
from services.stacks import ASYNCPG_FASTAPI, PSYCOPG_FLASK, STACKS, Stack
from tests.perf import sabotaged

STEPS = 210
MOST_STEPS = 900
"""Until a fault is found."""
FOUND_WITHIN_S = 0.5
"""How long a history that a fault has stopped is waited for."""
SHRINKS = 30
"""Enough for a history that can be read, though not the shortest."""


@pytest.fixture(scope="module")
def sessions(database: Database) -> Iterator[Connection]:
    with telling(database) as connection:
        yield connection


@pytest.fixture(autouse=True)
def _quiet_libraries() -> Iterator[None]:
    """They tell of each connection that is cut off."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("tuning", ["equalised", "as_shipped"])
def test_no_history_breaks_a_law(name: str, tuning: Tuning, database: Database, sessions: Connection) -> None:
    tally = play(Subject(STACKS[name], adapter_of(STACKS[name].package), tuning, database, sessions), STEPS)

    assert tally.steps.total() >= STEPS / 2
    assert tally.outcomes["has given back"] > 0


MOST_LINES = 40
WAITS_BESIDE_A_FREE_ONE = r"user \d+ waits, and \d of \d connections are out"


@pytest.mark.parametrize(
    ("stack", "library", "tuning", "said"),
    [
        (ASYNCPG_FASTAPI, sabotaged.HandsOutTwice, "equalised", r"\d connections are out, of a pool of \d"),
        (
            ASYNCPG_FASTAPI,
            sabotaged.LosesTheSlotOfACancelledWaiter,
            "equalised",
            f"{WAITS_BESIDE_A_FREE_ONE}|the library has",
        ),
        (ASYNCPG_FASTAPI, sabotaged.ForgetsAWaiter, "equalised", WAITS_BESIDE_A_FREE_ONE),
        (ASYNCPG_FASTAPI, sabotaged.KeepsSettings, "as_shipped", r"finds a setting on [A-Z] that was left by another"),
        (PSYCOPG_FLASK, sabotaged.KeepsBrokenConnections, "equalised", f"{WAITS_BESIDE_A_FREE_ONE}|the library has"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_fault_is_found_and_its_history_can_be_read(
    stack: Stack, library: Any, tuning: Tuning, said: str, database: Database, sessions: Connection
) -> None:
    with pytest.raises(Broken) as broken:
        play(Subject(stack, library, tuning, database, sessions, FOUND_WITHIN_S, SHRINKS), MOST_STEPS)

    told = str(broken.value)
    print(told)
    lines = told.splitlines()
    assert re.search(said, lines[-1])
    assert lines[0].startswith(f"{stack.name}, {tuning}: a pool of ")
    # How far it shrinks within so few tries depends on when the sockets say what; mostly to less than twelve lines.
    assert [line.split(". ")[0].strip() for line in lines[1:-1] if ". " in line] == [
        str(n) for n in range(1, len(lines) - 1)
    ]
    assert len(lines) <= MOST_LINES


def test_the_command_prints_what_it_played(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["psycopg_flask", "--tuning", "equalised", "--steps", "30", "--seed", "1"]) == 0

    seed, heads, _, row, *_ = capsys.readouterr().out.splitlines()
    assert seed == "seed 1"
    assert dict(zip(heads.split(), row.split(), strict=False))["stack"] == "psycopg_flask"


def test_an_unknown_stack_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        command.main(["nothing"])

    assert refused.value.code == 2
    assert "unknown stack nothing: there are asyncpg_fastapi, " in capsys.readouterr().err
