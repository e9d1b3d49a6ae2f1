"""A stack that lies elsewhere: a directory with a `stacks.py` and a package, as a user would write them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from services import stacks

PAGE: Final = Path(__file__).parents[1] / "docs" / "own-stack.md"
FILES: Final = ("stacks.py", "mine/pool.py", "mine/app.py", "mine/__main__.py")
"""The page's blocks of Python, in its order."""
NAME: Final = "mine"
LABEL: Final = "my pool + Flask"
PORT: Final = 8100


def write_stack(directory: Path, **changed: str) -> Path:
    """The stack of docs/own-stack.md, to the letter; `changed` are expressions of Python for fields of its entry."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (directory / NAME).mkdir()
    (directory / NAME / "__init__.py").touch()
    for file, text in zip(FILES, blocks, strict=True):
        (directory / file).write_text(text, encoding="utf-8")
    entry = (directory / FILES[0]).read_text(encoding="utf-8")
    for field, expression in changed.items():
        entry, count = re.subn(rf"^    {field}=.*$", f"    {field}={expression},", entry, flags=re.MULTILINE)
        assert count == 1, f"the entry of the page has no line for {field}"
    (directory / FILES[0]).write_text(entry, encoding="utf-8")
    return directory


@contextmanager
def registry() -> Iterator[None]:
    """Afterwards there are the stacks that there were before."""
    before = dict(stacks.STACKS)
    try:
        yield
    finally:
        stacks.register(before)
