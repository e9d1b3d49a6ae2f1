"""Fits a table into a number of columns: cells are broken at spaces, and stacks without room stand in a table below."""

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import tabulate

from bench.report.screen import broken, unbroken
from bench.report.table import Table

tabulate.MIN_PADDING = 0  # what a header is wider than its column for; three intervals need the room
GAP: Final = 2
"""Columns between two columns of a table."""
SPACE: Final = r"[ \n]"
HYPHEN: Final = rf"{SPACE}|(?<=\w-)(?=\w)"
"""Where cells may be broken. A no-break space holds a figure and its marks together."""
MOST_OF_A_WORD: Final = 12
"""Where nothing else helps, longer words are broken."""
INDENT: Final = "  "
"""Of the further lines of a label."""
Tint = Callable[[str], str]
"""What a cell looks like."""


def fitted(table: Table, width: int, tint: Tint = str) -> str:
    """The lines of a table, none longer than `width`, which is 60 or more.

    Labels keep their lines as long as the figures have room beside them; then every column is broken at spaces, then at
    hyphens. Where that is not enough, the stacks are told in several tables, one below another, with the labels in
    each.
    """
    whole = replace(table, rows=tuple(tuple(map(unbroken, row)) for row in table.rows))
    return broken("\n\n".join(_drawn(block, widths, tint) for block, widths in _blocks(whole, width)))


def fits(table: Table, width: int, *, narrow: bool = False) -> bool:
    """Whether a table has room as it is; where `narrow`, with figures that are broken at spaces."""
    columns, lead = _columns(table), _lead(table)
    least = [_natural(column) for column in columns]
    if narrow:
        least[lead:] = [_least(column) for column in columns[lead:]]
    return _total(least) <= width


def _blocks(table: Table, width: int) -> Iterator[tuple[Table, list[int]]]:
    """The table in one or more, with the widths of their columns."""
    lead, columns = _lead(table), len(table.headers)
    at = lead
    while True:
        ends = range(columns, at, -1) or (columns,)
        parts = [(end, None) for end in ends] + [(ends[-1], most) for most in range(MOST_OF_A_WORD, 0, -1)]
        for end, most in parts:
            block = _part(table, [*range(lead), *range(at, end)])
            if widths := _widths(block, width, most):
                yield block, widths
                break
        at = end
        if at >= columns:
            return


def _part(table: Table, chosen: Sequence[int]) -> Table:
    """Some columns of a table."""
    return replace(
        table,
        headers=tuple(table.headers[nth] for nth in chosen),
        rows=tuple(tuple(row[nth] for nth in chosen) for row in table.rows),
        labels=table.texts,
    )


def _lead(table: Table) -> int:
    """How many columns stand in every part of a table: the labels, and the forecast beside them."""
    return table.texts + (table.headers[table.texts : table.texts + 1] == ("forecast",))


def _columns(table: Table) -> list[tuple[str, ...]]:
    """Each column from its header down."""
    return list(zip(table.headers, *table.rows, strict=True))


def _natural(column: Sequence[str]) -> int:
    """What a column takes where nothing but its header is broken."""
    header, *cells = column
    return max(map(len, "\n".join([_halved(header), *cells]).split("\n")))


def _least(column: Sequence[str], at: str = SPACE, most: int | None = None) -> int:
    """What it takes at least where cells are broken there, and words longer than `most`, too."""
    header, *cells = column
    words = [*map(str.rstrip, _pieces(header)), *(word for cell in cells for word in re.split(at, cell))]
    least = max(map(len, words))
    return min(least, most) if most else least


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _widths(table: Table, width: int, most: int | None = None) -> list[int] | None:
    """The widths of the columns; None where there is no room for them."""
    columns, lead = _columns(table), _lead(table)
    room, natural = width - GAP * (len(columns) - 1), [_natural(column) for column in columns]
    labels = natural[:lead] + [_least(column) for column in columns[lead:]]
    at_spaces = [_least(column) for column in columns]
    at_hyphens = [_least(column, HYPHEN, most) for column in columns]
    for least in (labels, at_spaces, at_hyphens):
        if sum(least) <= room:
            return _filled(least, natural, room)
    return None


def _filled(least: Sequence[int], natural: Sequence[int], room: int) -> list[int]:
    """The widest columns give way first, each down to its least."""

    def capped(cap: int) -> list[int]:
        return [max(low, min(full, cap)) for low, full in zip(least, natural, strict=True)]

    cap = next(cap for cap in range(max(natural), -1, -1) if sum(capped(cap)) <= room)
    return capped(cap)


def _halved(header: str) -> str:
    """`asyncpg +` above `FastAPI`."""
    return header.replace(" + ", " +\n")


def _pieces(header: str) -> list[str]:
    """Where a header may be broken: at spaces, but not behind a plus, and behind an underscore."""
    return [piece for piece in re.split(r"\n|(?<=_)|(?<=[^+] )", header) if piece]


def _drawn(table: Table, widths: Sequence[int], tint: Tint) -> str:
    indents = [
        INDENT if side == "left" and width > MOST_OF_A_WORD else ""
        for side, width in zip(table.alignment, widths, strict=True)
    ]
    rows = [
        [tint(_lines(cell, width, indent)) for cell, width, indent in zip(row, widths, indents, strict=True)]
        for row in table.rows
    ]
    headers = [_header(text, width) for text, width in zip(table.headers, widths, strict=True)]
    return tabulate.tabulate(rows, headers=headers, disable_numparse=True, colalign=table.alignment, tablefmt="simple")


def _lines(cell: str, width: int, indent: str) -> str:
    """Each line of a cell in lines of this width."""
    return "\n".join(
        part
        for line in cell.split("\n")
        for part in ([line] if len(line) <= width else textwrap.wrap(line, width, subsequent_indent=indent))
    )


def _header(text: str, width: int) -> str:
    halves = _halved(text)
    if max(map(len, halves.split("\n"))) <= width:
        return halves
    lines = [""]
    for piece in _pieces(text):
        if lines[-1] and len((lines[-1] + piece).rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(
        line[start : start + width].rstrip() for line in lines for start in range(0, len(line.rstrip()) or 1, width)
    )
