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
    "module": repr(NAME),
}
PACKAGE: Final[Mapping[str, str]] = {
    "__init__.py": "",
    "pool.py": "from services.asyncpg_fastapi.pool import Pool\n",
    "app.py": (
        "from mine.pool import Pool\nfrom services.fronts.fastapi.app import create_app\nfrom stacks import MINE\n\n"
        "app = create_app(MINE, Pool)\n"
    ),
    "__main__.py": (
        "from services.fronts.uvicorn import main\nfrom stacks import MINE\n\n"
        "if __name__ == '__main__':\n    main(MINE)\n"
    ),
}


def write_stack(directory: Path, **changed: str) -> Path:
    """A directory with one stack: asyncpg_fastapi's pool under another name. `changed` are expressions of Python."""
    fields = ", ".join(f"{field}={expression}" for field, expression in {**ENTRY, **changed}.items())
    (directory / "stacks.py").write_text(
        f"from services.stacks import Stack, Traits\n\nMINE = Stack({fields})\nSTACKS = (MINE,)\n", encoding="utf-8"
    )
    (directory / NAME).mkdir()
    for file, text in PACKAGE.items():
        (directory / NAME / file).write_text(text, encoding="utf-8")
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
