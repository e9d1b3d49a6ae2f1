"""What an installed bench needs, from the dependency groups of pyproject.toml, which stay the one place to change."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from services.stacks import STACKS

PYPROJECT: Final = Path(__file__).resolve().parents[1] / "pyproject.toml"


def parts() -> dict[str, str]:
    """The generated part of pyproject.toml: the requirements of the bench and of every stack of this project."""
    groups = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["dependency-groups"]
    own = ("bench", *(name for name, stack in STACKS.items() if stack.home is None))
    needed = sorted({requirement for name in own for requirement in _of(groups, name)})
    return {"dependencies": "\n".join(f'"{requirement}",' for requirement in needed)}


def _of(groups: Mapping[str, Any], name: str) -> Iterator[str]:
    """The requirements of a group, and of those that it includes."""
    for each in groups[name]:
        if isinstance(each, str):
            yield each
        else:
            yield from _of(groups, each["include-group"])
