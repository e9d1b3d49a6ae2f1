"""What an installed bench needs, from the dependency groups of pyproject.toml, which stay the one place to change."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from services.stacks import STACKS

PYPROJECT: Final = Path(__file__).resolve().parents[1] / "pyproject.toml"


def parts() -> dict[str, str]:
    """The generated parts of pyproject.toml: what the bench and the usual stacks of this project need, and what the
    others need beside that."""
    groups = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["dependency-groups"]
    own = [stack for stack in STACKS.values() if stack.home is None]
    needed = _together(groups, ["bench", *(stack.name for stack in own if not stack.more)])
    there = set(map(_plain, needed))
    more = {
        each for each in _together(groups, [stack.name for stack in own if stack.more]) if _plain(each) not in there
    }
    return {"dependencies": _lines(needed), "more-stacks": _lines(more)}


def _together(groups: Mapping[str, Any], names: Iterable[str]) -> set[str]:
    return {requirement for name in names for requirement in _of(groups, name)}


def _plain(requirement: str) -> str:
    """Without its extras: what is needed has them already."""
    return re.sub(r"\[.*\]", "", requirement)


def _lines(requirements: Iterable[str]) -> str:
    return "\n".join(f'"{requirement}",' for requirement in sorted(requirements))


def _of(groups: Mapping[str, Any], name: str) -> Iterator[str]:
    """The requirements of a group, and of those that it includes."""
    for each in groups[name]:
        if isinstance(each, str):
            yield each
        else:
            yield from _of(groups, each["include-group"])
