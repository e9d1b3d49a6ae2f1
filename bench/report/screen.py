"""The screen that a text is made for: its width, and whether it shows colours."""

import re
import textwrap
from dataclasses import dataclass
from typing import Final

import click

NARROWEST: Final = 60
"""Columns; a narrower terminal gets the text for this width."""
USUAL: Final = 80
"""Columns, where no terminal says how many."""
MOST_PROSE: Final = 100
"""Columns; longer lines of prose are hard to read."""
HELD: Final = "\N{NO-BREAK SPACE}"
"""What it stands between stays in one line."""


@dataclass(frozen=True, kw_only=True)
class Screen:
    """`width` in columns; a file and a pipe take no `colour`."""

    width: int = USUAL
    colour: bool = False

    def prose(self, text: str, first: str = "", then: str | None = None) -> str:
        """A paragraph in lines: `first` stands before it, `then` before each further line, or as many spaces."""
        seen = click.unstyle(first)
        filled = textwrap.fill(
            unbroken(text),
            min(self.width, MOST_PROSE),
            initial_indent=seen,
            subsequent_indent=" " * len(seen) if then is None else then,
            break_on_hyphens=False,
            break_long_words=False,
        )
        return first + broken(filled[len(seen) :])

    def heading(self, text: str) -> str:
        return self.styled(text, bold=True)

    def styled(self, text: str, colour: str | None = None, *, bold: bool = False) -> str:
        """The same in a colour, and each line for itself, so that a table's columns stay where they are."""
        if not self.colour or not (colour or bold):
            return text
        return "\n".join(click.style(line, fg=colour, bold=bold or None) for line in text.split("\n"))


PIPE: Final = Screen()
"""What no terminal shows."""


def unbroken(text: str) -> str:
    """With a no-break space between a figure and its unit."""
    return re.sub(r"(?<=\d) (?=%|(?:ms|s|h|min)\b)", HELD, text)


def broken(text: str) -> str:
    """With usual spaces, once all lines are broken."""
    return text.replace(HELD, " ")
