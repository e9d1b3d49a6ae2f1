"""A stack that lies elsewhere: a directory with a `stacks.py` and a package, as a user would write them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from services import stacks

NAME: Final = "mine"
LABEL: Final = "my own asyncpg + FastAPI"
PORT: Final = 8123
ENTRY: Final[Mapping[str, str]] = {
    "name": repr(NAME),
    "label": repr(LABEL),
    "port": repr(PORT),
    "pool": "'my own pool'",
    "pool_class": "'asyncpg.Pool'",
    "driver": "'asyncpg'",
    "front": "'FastAPI'",
    "server": "'uvicorn'",
    "concurrency": "'one event loop'",
    "distributions": "('asyncpg', 'uvicorn')",
    "traits": "Traits(opens_transaction=False, dropped='slot and backend lost')",
}
MAIN: Final = """
import runpy
from pathlib import Path

from services import stacks

stacks.load(Path(__file__).parents[1])

from services.asyncpg_fastapi import pool

pool.SERVICE = NAME
runpy.run_module("services.asyncpg_fastapi{module}", run_name="__main__")
"""


def write_stack(directory: Path, **changed: str) -> Path:
    """A directory with one stack: asyncpg_fastapi under a name of its own. `changed` are expressions of Python."""
    entry = {**ENTRY, **changed}
    fields = ", ".join(f"{field}={expression}" for field, expression in entry.items())
    (directory / "stacks.py").write_text(
        f"from services.stacks import Stack, Traits\n\nSTACKS = (Stack({fields}),)\n", encoding="utf-8"
    )
    package = directory / NAME
    package.mkdir()
    (package / "__init__.py").touch()
    for file, module in (("__main__.py", ""), ("alone.py", ".alone")):
        (package / file).write_text(MAIN.replace("NAME", repr(NAME)).format(module=module), encoding="utf-8")
    return directory


@contextmanager
def registry() -> Iterator[None]:
    """Afterwards there are the stacks that there were before."""
    before = dict(stacks._known)
    try:
        yield
    finally:
        stacks._known.clear()
        stacks._known.update(before)
