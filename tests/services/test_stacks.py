"""The registry: what is in it is whole, and what is added from elsewhere is looked at first."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.targets.process import ROOT
from services import stacks
from services.stacks import STACKS, shipped_overflow
from services.stacks_from import StackError, load
from tests import elsewhere

SYNC = ("SQLAlchemy sync (sqlalchemy_flask)", "SQLAlchemy sync (sqlalchemy_fastapi_threads)")
STACK = pytest.mark.parametrize("stack", STACKS.values(), ids=tuple(STACKS))


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    with elsewhere.registry():
        yield


def refused(directory: Path) -> str:
    before = dict(STACKS)
    with pytest.raises(StackError) as error:
        load(directory)
    assert before == STACKS
    assert "\n" not in str(error.value)
    return str(error.value).replace(str(directory), "DIR")


@STACK
def test_a_stack_is_a_folder_of_its_name(stack: stacks.Stack) -> None:
    assert stack.package == f"services.{stack.name}"
    for file in ("pool.py", "app.py", "__main__.py", "README.md"):
        assert (ROOT / "services" / stack.name / file).is_file()


@STACK
def test_what_is_recorded_of_a_stack_is_locked_for_it(stack: stacks.Stack) -> None:
    """Its group in pyproject.toml is what its container has, and its lock is where its versions come from."""
    locked = re.findall(r"^([\w.-]+)==", (ROOT / "requirements" / f"{stack.name}.txt").read_text(), re.MULTILINE)
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]

    assert set(stack.distributions) <= set(locked)
    assert stack.name in groups


@STACK
def test_a_stack_knows_no_other(stack: stacks.Stack) -> None:
    others = "|".join(name for name in STACKS if name != stack.name)
    for file in (ROOT / "services" / stack.name).glob("*.py"):
        assert not re.search(rf"\bservices\.({others})\b", file.read_text()), file


def test_no_two_stacks_share_a_name_a_port_or_a_label() -> None:
    for fact in ("name", "port", "label"):
        assert len({getattr(stack, fact) for stack in STACKS.values()}) == len(STACKS)


def test_what_a_stack_stands_for_in_words() -> None:
    assert stacks.PSYCOPG_FLASK.text == "psycopg_pool, psycopg, Flask, gunicorn with threads"
    assert stacks.PSYCOPG_FLASK.text_alone == "psycopg_pool, psycopg, a thread for each request"
    assert stacks.SQLALCHEMY_FASTAPI_THREADS.text == ("SQLAlchemy sync, psycopg, FastAPI threads, uvicorn with threads")
    assert stacks.SQLALCHEMY_FASTAPI.text == "SQLAlchemy, asyncpg, FastAPI, uvicorn on one event loop"


def test_two_stacks_of_one_pool_have_labels_of_their_own_without_http(tmp_path: Path) -> None:
    alone = [stack.label_alone for stack in STACKS.values()]
    assert alone == [
        "asyncpg.Pool",
        "psycopg_pool",
        "SQLAlchemy",
        "psycopg_pool (async)",
        *SYNC,
        "psycopg_pool (psycopg_django)",
    ]

    load(elsewhere.write_stack(tmp_path, pool="'psycopg_pool'"))

    alone = [stack.label_alone for stack in STACKS.values()]
    assert alone == [
        "asyncpg.Pool",
        "psycopg_pool (psycopg_flask)",
        "SQLAlchemy",
        "psycopg_pool (mine)",
        "psycopg_pool (async)",
        *SYNC,
        "psycopg_pool (psycopg_django)",
    ]


def test_overflow_is_known_of_stacks_alone() -> None:
    assert [shipped_overflow(name) for name in ("sqlalchemy_fastapi", "psycopg_flask", "nobody")] == [10, 0, 0]


def test_a_stack_from_elsewhere_takes_its_place_after_the_usual_ones(tmp_path: Path) -> None:
    before = [stack.name for stack in stacks.usual()]
    more = [name for name in STACKS if name not in before]

    (mine,) = load(elsewhere.write_stack(tmp_path))

    assert tuple(STACKS) == (*before, "mine", *more)
    assert STACKS["mine"] is mine
    assert (mine.home, mine.package) == (tmp_path, "mine")


def test_the_same_directory_can_be_loaded_again(tmp_path: Path) -> None:
    load(elsewhere.write_stack(tmp_path))

    (again,) = load(tmp_path)

    assert STACKS["mine"] is again


def test_a_package_can_be_called_other_than_its_stack(tmp_path: Path) -> None:
    (mine,) = load(elsewhere.write_stack(tmp_path, name="'other'", module="'mine.deeper'"))

    assert (mine.name, mine.package) == ("other", "mine.deeper")


def test_a_directory_without_stacks_says_what_it_should_have(tmp_path: Path) -> None:
    assert refused(tmp_path) == (
        "DIR/stacks.py is not there: a directory of stacks has a stacks.py with a tuple STACKS in it"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("STACKS = (", "DIR/stacks.py cannot be read: SyntaxError: '(' was never closed"),
        ("import nothing_of_that_name", "DIR/stacks.py cannot be read: ModuleNotFoundError: No module named"),
        ("from services.stacks import Stack\nSTACKS = (Stack(name='a'),)", "DIR/stacks.py cannot be read: TypeError: "),
        ("", "DIR/stacks.py: STACKS must be a tuple of services.stacks.Stack with at least one in it"),
        ("STACKS = ()", "DIR/stacks.py: STACKS must be a tuple of services.stacks.Stack with at least one in it"),
        ("STACKS = ('mine',)", "DIR/stacks.py: STACKS must be a tuple of services.stacks.Stack with at least one in"),
    ],
)
def test_a_registry_that_cannot_be_read_says_why_in_a_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "stacks.py").write_text(text)

    assert refused(tmp_path).startswith(said)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"module": "''"}, "mine says no module: module='mine', where its package is called so"),
        ({"module": "'elsewhere.mine'"}, "the package elsewhere of mine is not there: put it into DIR"),
        (
            {"module": "'bench.mine'"},
            f"module 'bench.mine' of mine would be that of {ROOT / 'bench'}: take another name",
        ),
        ({"name": "'psycopg_flask'"}, "there is a stack called psycopg_flask already: take another name"),
        ({"port": "8001"}, "port 8001 of mine is that of psycopg_flask: take another"),
        ({"label": "'asyncpg + FastAPI'"}, "mine has the label of asyncpg_fastapi, 'asyncpg + FastAPI': take another"),
        (
            {"name": "'Mine-again'"},
            "'Mine-again' cannot be a name: it has small letters, digits and _ in it, and begins with a letter",
        ),
    ],
)
def test_what_is_taken_is_refused(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    assert refused(elsewhere.write_stack(tmp_path, **changed)) == f"DIR/stacks.py: {said}"


def test_two_stacks_of_one_directory_cannot_be_called_the_same(tmp_path: Path) -> None:
    elsewhere.write_stack(tmp_path)
    with (tmp_path / "stacks.py").open("a") as file:
        file.write("\nSTACKS = STACKS * 2\n")

    assert refused(tmp_path) == "DIR/stacks.py: there is a stack called mine already: take another name"
