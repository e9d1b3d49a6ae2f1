"""How stacks are called in tables, and the words that every table uses."""

from typing import Final

from bench.record.schema import AGAIN, Layer
from services.stacks import STACKS

UNKNOWN: Final = "–"


def stack(service: str, layer: Layer = "http") -> str:
    """What stands at the head of a column; a service that is not this house's keeps its name."""
    known = STACKS.get(service.removesuffix(AGAIN))
    if known is None:
        return service
    name = known.label if layer == "http" else known.pool
    return name if service == known.name else f"{name}, again"


def whole(service: str, layer: Layer) -> str | None:
    """All that a column stands for; None for a service that is not this house's."""
    known = STACKS.get(service)
    if known is None:
        return None
    return known.text if layer == "http" else known.text_alone


def counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"


def joined(*parts: str) -> str:
    """The parts that there are, in one line."""
    return " · ".join(part for part in parts if part)
