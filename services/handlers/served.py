"""What a handler has seen and read, for the front to make an answer of."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from services.common.contract import PoolView

NOTHING: Final[Mapping[str, Any]] = {}


class Served(NamedTuple):
    """`view` is the pool while the connection was held; `more` is what this path adds to the body."""

    view: PoolView
    rows: int
    more: Mapping[str, Any] = NOTHING
