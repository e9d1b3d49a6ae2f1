"""The screen that a command writes to."""

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.report.screen import NARROWEST, USUAL, Screen

if TYPE_CHECKING:
    from bench.report.view import View


def screen() -> Screen:
    """As wide as the terminal, or as COLUMNS says; 80 columns where there is none, and never under 60.

    In colour on a terminal; NO_COLOR and FORCE_COLOR overrule that, in this order, where they are not empty.
    """
    width = shutil.get_terminal_size((USUAL, 24)).columns
    return Screen(width=max(NARROWEST, width), colour=_colour())


def show(text: str, on: Screen) -> None:
    """Prints what was made for a screen, with or without an end of line."""
    click.echo(text.rstrip("\n"), color=on.colour)


def show_run(view: "View", directory: Path, *, details: bool) -> None:
    """Prints a run that is stored in `directory`: the summary, or all tables above it."""
    from bench.record.layout import PAGE
    from bench.report.formats import terminal

    on, page = screen(), directory / PAGE
    text = terminal.details if details else terminal.summary
    show(text(view, on, str(directory), str(page) if page.exists() else ""), on)


def _colour() -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
