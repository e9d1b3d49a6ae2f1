"""Fills the parts of a file that a program makes, in a file that people read and otherwise write by hand."""

import re
from collections.abc import Mapping
from textwrap import indent
from typing import Final

from bench.errors import UserError

RESULTS: Final = "results"
"""The part that `bench report --readme` fills."""
_SIGN: Final = r"(?P<sign>#|//|--|<!--)"
_MARKER: Final = re.compile(rf"^ *{_SIGN} (?P<name>[\w-]+):(?:begin|end)\b", re.MULTILINE)
_PART: Final = re.compile(
    rf"^(?P<begin>(?P<indent> *){_SIGN} (?P<name>[\w-]+):begin\b[^\n]*\n)"
    r"(?P<text>.*?)"
    r"^(?P<end>(?P=indent)(?P=sign) (?P=name):end\b)",
    re.MULTILINE | re.DOTALL,
)
"""A comment of YAML, JavaScript, SQL or Markdown, the part, and a comment at the same depth. Who makes the part may
stand behind `begin`."""


def fill(text: str, parts: Mapping[str, str]) -> str:
    """`text` with each of `parts` between its markers, at their depth; others stay.

    Raises UserError unless the two markers of each part stand there once, in order.
    """
    markers = [match["name"] for match in _MARKER.finditer(text)]
    whole = {match["name"] for match in _PART.finditer(text)}
    for name in parts:
        if markers.count(name) != 2 or name not in whole:
            raise UserError(
                f"the file needs a line <!-- {name}:begin --> and below it a line <!-- {name}:end -->, or the same in "
                "its own kind of comment, each once: add them"
            )
    return _PART.sub(lambda match: _filled(match, parts), text)


def parts_of(text: str) -> list[str]:
    """The names of all parts, in order."""
    return [match["name"] for match in _PART.finditer(text)]


def _filled(match: "re.Match[str]", parts: Mapping[str, str]) -> str:
    if match["name"] not in parts:
        return match[0]
    inside = indent(parts[match["name"]].strip("\n") + "\n", match["indent"])
    # Markdown takes a comment for the beginning of a block of HTML: a table needs an empty line around it.
    around = "\n" if match["sign"] == "<!--" else ""
    return f"{match['begin']}{around}{inside}{around}{match['end']}"
