"""How stacks are called in tables, and the words that every table uses."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bench.record.schema import Layer, StackFacts, played_as
from services.stacks import STACKS

UNKNOWN: Final = "–"


Stacks = Mapping[str, StackFacts]
"""What a run's record says of its stacks."""
NONE: Final[Stacks] = MappingProxyType({})


def stack(service: str, layer: Layer = "http", recorded: Stacks = NONE) -> str:
    """What stands at the head of a column: as recorded, or by the registry; a service of no stack keeps its name."""
    own, nth = played_as(service)
    known = recorded.get(service) or recorded.get(own) or STACKS.get(own)
    if known is None:
        return service
    name = known.label if layer == "http" else known.label_alone
    return name if nth == 1 else f"{name} ({nth})"


def apart(*labels: str) -> tuple[str, ...]:
    """Columns of one stack by what differs: `asyncpg 0.32.0` and `asyncpg 0.31.0`."""
    parts = [label.split(", ") for label in labels]
    differ = [nth for nth, each in enumerate(zip(*parts, strict=True)) if len(set(each)) > 1]
    return tuple(", ".join(own[nth] for nth in differ) for own in parts)


def brief(label: str) -> str:
    """The first part of a column's name, where a table has little room: `asyncpg` for `asyncpg + FastAPI`."""
    return label.partition(" + ")[0]


def whole(service: str, layer: Layer, recorded: Stacks = NONE) -> str | None:
    """All that a column stands for; None for a service of no stack."""
    known = recorded.get(service) or STACKS.get(service)
    if known is None:
        return None
    return known.text if layer == "http" else known.text_alone


def counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"


def share(value: float) -> str:
    """A share above 0 in whole percent: `4 %`, `<1 %`, and `100 %` for all alone."""
    if value >= 1:
        return "100 %"
    return "<1 %" if value < 0.01 else f"{min(99, round(100 * value))} %"


def joined(*parts: str) -> str:
    """The parts that there are, in one line."""
    return " · ".join(part for part in parts if part)
