"""The contract's statements, alike in every stack but for the driver's placeholder."""

from collections.abc import Mapping
from typing import Final, Literal

Statement = Literal["items", "sleep", "burn", "lock"]

_TEXTS: Final[Mapping[Statement, str]] = {
    "items": "SELECT id, name, price_cents FROM items WHERE id <= {} ORDER BY id",
    "sleep": "SELECT pg_sleep({})",
    "burn": "SELECT burn({})",
    "lock": "SELECT id FROM locks WHERE id = 1 FOR SHARE",
}
"""Each takes one value but `lock`, which takes none and waits for a row that a fault holds."""


def statements(placeholder: str) -> dict[Statement, str]:
    """Every statement with `placeholder` where its value goes."""
    return {name: text.format(placeholder) for name, text in _TEXTS.items()}
