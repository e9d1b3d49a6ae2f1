"""A stack whose library is missing is refused in a line, before anything is started."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.targets.installed import require_libraries
from services.stacks import STACKS
from services.stacks_from import load
from tests import elsewhere


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    with elsewhere.registry():
        yield


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    load(elsewhere.write_stack(tmp_path, distributions="('psycopg', 'no-such-library')"))

    with pytest.raises(UserError) as error:
        require_libraries(("psycopg_flask", "mine-2"))

    assert str(error.value) == "mine-2 needs no-such-library, which is not installed: install no-such-library"


def test_a_checkout_has_the_libraries_of_every_stack() -> None:
    require_libraries((*STACKS, "a service elsewhere"))
