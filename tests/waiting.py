"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable
from typing import Literal, TypeVar

T = TypeVar("T")
"""What is waited for; nothing, False and empty are not it."""

LIMIT_S = 60.0


def until(condition: Callable[[], T | Literal[False] | None], what: str = "the condition") -> T:
    """The first truthy value of `condition`; fails the test after 60 s."""
    deadline = time.monotonic() + LIMIT_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true in {LIMIT_S:g} s"
        time.sleep(0.01)
    return value
