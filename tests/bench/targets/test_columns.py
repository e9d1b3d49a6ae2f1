"""What `--with` asks for, and what the columns are called."""

from pathlib import Path

import pytest

from bench.errors import UserError
from bench.record.schema import played_as
from bench.targets.columns import columns, interleaved, named


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "my-pool").mkdir()
    (tmp_path / "my-pool" / "pyproject.toml").touch()
    return tmp_path / "my-pool"


def test_each_with_is_a_column_of_every_stack_that_is_made_with_it(tree: Path) -> None:
    services = ("asyncpg_fastapi", "psycopg_flask", "sqlalchemy_fastapi")
    asked = ("asyncpg==0.31.0", "SQLAlchemy==2.0.44,asyncpg==0.30.0", f"psycopg_pool@{tree}")

    assert interleaved(services, columns(asked, services)) == (
        "asyncpg_fastapi",
        "asyncpg_fastapi@asyncpg==0.31.0",
        "psycopg_flask",
        "psycopg_flask@psycopg-pool@my-pool",
        "sqlalchemy_fastapi",
        "sqlalchemy_fastapi@asyncpg==0.31.0",
        "sqlalchemy_fastapi@sqlalchemy==2.0.44,asyncpg==0.30.0",
    )


def test_a_column_says_of_which_service_it_is_and_what_it_names() -> None:
    name = "sqlalchemy_fastapi@sqlalchemy==2.0.44,asyncpg@asyncpg-2"

    assert played_as(name) == ("sqlalchemy_fastapi", 1)
    assert (*named(name),) == ("sqlalchemy", "asyncpg")
    assert (*named("sqlalchemy_fastapi"),) == ()


def test_the_same_asked_for_twice_is_one_column() -> None:
    assert len(columns(("asyncpg==0.31.0", "asyncpg==0.31.0"), ("asyncpg_fastapi",))) == 1


def test_two_trees_of_one_name_are_refused(tree: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / tree.name
    other.mkdir(parents=True)
    (other / "setup.py").touch()

    with pytest.raises(UserError, match="two columns would be called psycopg_flask@psycopg-pool@my-pool: give"):
        columns((f"psycopg-pool@{tree}", f"psycopg-pool@{other}"), ("psycopg_flask",))
