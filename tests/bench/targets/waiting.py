"""Wait for a condition; the limit only ends a test that fails."""

import time
from collections.abc import Callable

LIMIT_S = 60.0


def until(condition: Callable[[], bool]) -> bool:
    """True as soon as `condition` holds, False when it never did."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
