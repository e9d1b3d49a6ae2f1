"""Stacks that lie elsewhere: read from the `stacks.py` of a directory, looked at, and added to the registry."""

import importlib.util
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from services.stacks import STACKS, Stack, register

_PROJECT: Final = Path(__file__).resolve().parents[1]
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""What is a module, an `application_name` of PostgreSQL, a host name in Compose and a label's value."""


class StackError(Exception):
    """A registry that cannot be read; one line that says what to change."""


def load(directory: Path) -> tuple[Stack, ...]:
    """Adds the stacks of `directory`, whose `stacks.py` has them in a tuple `STACKS`; returns them.

    Raises StackError where there is none, where it cannot be read, or where a name or port is taken; nothing is added
    then.
    """
    file = directory / "stacks.py"
    if not file.is_file():
        raise StackError(f"{file} is not there: a directory of stacks has a stacks.py with a tuple STACKS in it")
    found = tuple(replace(stack, home=directory.resolve()) for stack in _read(file))
    known = {stack.name: stack for stack in STACKS.values() if stack.home != directory.resolve()}
    for stack in found:
        if why := _misplaced(stack, directory) or _refusal(stack, known.values()):
            raise StackError(f"{file}: {why}")
        known[stack.name] = stack
    register(known)
    return found


def _read(file: Path) -> tuple[Stack, ...]:
    """What `file` calls STACKS; raises StackError."""
    spec = importlib.util.spec_from_file_location("_stacks_elsewhere", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        said = " ".join(str(error).split())
        raise StackError(f"{file} cannot be read: {type(error).__name__}: {said}") from error
    found = getattr(module, "STACKS", None)
    if not isinstance(found, tuple) or not found or not all(isinstance(stack, Stack) for stack in found):
        raise StackError(f"{file}: STACKS must be a tuple of services.stacks.Stack with at least one in it")
    return found


def _misplaced(stack: Stack, directory: Path) -> str | None:
    """Why the package of a stack would not be found in `directory`; None where it would."""
    root = stack.module.partition(".")[0]
    if not root:
        return f"{stack.name} says no module: module={stack.name!r}, where its package is called so"
    if (_PROJECT / root).exists():
        return f"module {stack.module!r} of {stack.name} would be that of {_PROJECT / root}: take another name"
    if not (directory / root).is_dir():
        return f"the package {root} of {stack.name} is not there: put it into {directory}"
    return None


def _refusal(stack: Stack, known: Iterable[Stack]) -> str | None:
    """Why a stack cannot stand beside those that are known; None where it can."""
    if not _NAME.fullmatch(stack.name):
        return f"{stack.name!r} cannot be a name: it has small letters, digits and _ in it, and begins with a letter"
    for other in known:
        if other.name == stack.name:
            return f"there is a stack called {stack.name} already: take another name"
        if other.port == stack.port:
            return f"port {stack.port} of {stack.name} is that of {other.name}: take another"
        if other.label == stack.label:
            return f"{stack.name} has the label of {other.name}, {stack.label!r}: take another"
    return None
