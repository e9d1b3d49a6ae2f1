"""What `--with` asks for: one more column of a stack, with another version of a library than the locked one."""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from bench.errors import UserError
from services.stacks import STACKS, WITH, Stack

_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9][\w.-]*)(==|@)(.+)")
_HOW: Final = "write NAME==VERSION, or NAME@PATH for a source tree"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A distribution in a version of its own, or as it is built from a source tree."""

    name: str
    """As the stack has it in its `distributions`."""
    version: str = ""
    tree: Path | None = None

    def __str__(self) -> str:
        return f"{self.name}@{self.tree.name}" if self.tree else f"{self.name}=={self.version}"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A stack with distributions that are not the locked ones."""

    service: str
    wanted: tuple[Wanted, ...]

    @property
    def name(self) -> str:
        """What the run calls it: `asyncpg_fastapi@asyncpg==0.31.0`."""
        return f"{self.service}{WITH}{','.join(map(str, self.wanted))}"


def columns(asked: Sequence[str], services: Sequence[str]) -> tuple[Column, ...]:
    """The columns that each `--with` adds to the services that are made with what it names, in the services' order.

    Raises UserError where it cannot be read, or where none of them is made with it.
    """
    wanted = [tuple(map(_read, text.split(","))) for text in dict.fromkeys(asked)]
    for each in wanted:
        _refuse_unused([one.name for one in each], services)
    found = [
        Column(service=service, wanted=tuple(_spelled(one, STACKS[service]) for one in each))
        for service in services
        for each in wanted
        if _used([one.name for one in each], STACKS[service])
    ]
    names = [column.name for column in found]
    if again := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"two columns would be called {again}: give one of the source trees another name")
    return tuple(found)


def interleaved(services: Iterable[str], added: Sequence[Column]) -> tuple[str, ...]:
    """The names of all columns: after each service, what was added to it."""
    return tuple(
        name
        for service in services
        for name in (service, *(column.name for column in added if column.service == service))
    )


def _read(text: str) -> Wanted:
    found = _REQUIREMENT.fullmatch(text.strip())
    if found is None:
        raise UserError(f"--with {text}: {_HOW}")
    name, sign, rest = found.groups()
    if sign == "@":
        tree = Path(rest).expanduser().resolve()
        if not any((tree / file).is_file() for file in ("pyproject.toml", "setup.py")):
            raise UserError(f"--with {text}: {rest} is no source tree, which has a pyproject.toml or a setup.py")
        return Wanted(name=name, tree=tree)
    try:
        Version(rest)
    except InvalidVersion:
        raise UserError(f"--with {text}: {rest} is no version: {_HOW}") from None
    return Wanted(name=name, version=rest)


def _spelled(wanted: Wanted, stack: Stack) -> Wanted:
    """With the name that the stack has for it."""
    name = next(name for name in stack.distributions if canonicalize_name(name) == canonicalize_name(wanted.name))
    return Wanted(name=name, version=wanted.version, tree=wanted.tree)


def _used(names: Iterable[str], stack: Stack) -> bool:
    return set(map(canonicalize_name, names)) <= set(map(canonicalize_name, stack.distributions))


def _refuse_unused(names: Sequence[str], services: Sequence[str]) -> None:
    if any(_used(names, STACKS[service]) for service in services):
        return
    known = list(dict.fromkeys(name for stack in STACKS.values() for name in stack.distributions))
    for name in names:
        if not any(_used([name], stack) for stack in STACKS.values()):
            near = difflib.get_close_matches(name, known, n=1)
            raise UserError(f"no stack is made with {name}: {_hint(near, known)}")
    others = [stack.name for stack in STACKS.values() if _used(names, stack)]
    said = "no stack is" if not others else f"{' and '.join(services)} {'are' if len(services) > 1 else 'is'} not"
    do = f"take -s {others[0]}" if others else "give each a --with of its own"
    raise UserError(f"{said} made with {' and '.join(names)}: {do}")


def _hint(near: Sequence[str], known: Sequence[str]) -> str:
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"


def named(column: str) -> Iterator[str]:
    """The distributions that a column's name says."""
    for requirement in column.partition(WITH)[2].split(","):
        if found := _REQUIREMENT.fullmatch(requirement):
            yield found[1]
