"""What a chart is: panels of plain SVG, with the words around them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

CLASSES: Final = re.compile(r'<path class="([^"]+)"')
Legend = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One drawing."""

    service: str
    """Whose it is; "" where it holds several stacks."""
    svg: str
    """An `<svg>` element: classes of `STYLE` and no ids, so that a page can hold many of them."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One question answered by a picture, a panel for each stack or one for all."""

    kind: str
    """One word, the same in every scenario: a class, and part of an anchor."""
    title: str
    see: str
    """What to see in it, in one line; its figures are those of the tables."""
    legend: Legend
    """The class of each mark, and what it stands for; `swatch` draws it."""
    panels: tuple[Panel, ...]
    """None where there is nothing to draw, and then `see` says why."""


def drawn_in(panels: Sequence[Panel], marks: Iterable[tuple[str, str]]) -> Legend:
    """A legend of the marks that are in the panels."""
    found = {css for panel in panels for drawn in CLASSES.findall(panel.svg) for css in drawn.split()}
    return tuple((css, words) for css, words in marks if css in found)
