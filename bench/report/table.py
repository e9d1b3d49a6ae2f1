"""A table before anything says how it looks."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Table:
    """A title, what was asked, how it was run, the table, and what has to be said below it."""

    title: str
    question: str = ""
    about: str = ""
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
