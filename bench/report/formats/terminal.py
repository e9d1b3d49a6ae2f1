"""A run as text for a terminal: the summary, which ends with what to type next, and all tables above it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from bench.report import advice, audits, glance, prose
from bench.report.formats.fitting import fits, fitted
from bench.report.left_out import failures
from bench.report.residuals import residual_table
from bench.report.screen import HELD, PIPE, Screen
from bench.report.table import Table
from bench.report.tables import scenario_table
from bench.report.verdicts import verdicts
from bench.report.view import View

DIRECTORY: Final = "DIR"
"""Where it is not known."""
COLOURS: Final = {"better": "green", "undecided": "yellow", "not judged": "yellow"}
WORD: Final = max(map(len, glance.STANDINGS)) + 2


def summary(view: View, screen: Screen = PIPE, directory: str = DIRECTORY, page: str = "") -> str:
    """One screen: machine and versions, a line for each scenario, verdicts, warnings, and the next commands.

    `directory` is where the run is stored.
    """
    return "\n\n".join((_environment(view, screen), *_summary(view, screen, directory, page, details=False))) + "\n"


def details(view: View, screen: Screen = PIPE, directory: str = DIRECTORY, page: str = "") -> str:
    """The tables of every scenario, how to read them, what was left out, verdicts and audit; and the summary last."""
    parts = [_environment(view, screen)]
    parts += [table_text(scenario_table(view, name), screen) for name in view.scenarios]
    if residuals := residual_table(view):
        parts.append(table_text(residuals, screen))
    parts.append(_points("How to read this", prose.legend(view), screen))
    if left_out := failures(view):
        parts.append(_points("Left out", left_out, screen))
    parts += [table_text(table, screen) for table in verdicts(view)]
    parts += _audit(view, screen)
    parts += _summary(view, screen, directory, page, details=True)
    return "\n\n".join(parts) + "\n"


def tables(of: Iterable[Table], screen: Screen = PIPE) -> str:
    """Tables without a run around them."""
    return "\n\n".join(table_text(table, screen) for table in of) + "\n"


def table_text(table: Table, screen: Screen = PIPE) -> str:
    """Title, question and setting, the table, and its notes."""
    head = [screen.heading(table.title), *(screen.prose(text) for text in (table.question, table.about) if text)]
    return "\n".join([*head, "", fitted(table, screen.width), *_notes(table, screen)])


def _notes(table: Table, screen: Screen) -> list[str]:
    return [screen.prose(note, then="  ") for note in table.notes]


def _environment(view: View, screen: Screen) -> str:
    return "\n".join(map(screen.prose, prose.environment_short(view)))


def _summary(view: View, screen: Screen, directory: str, page: str, *, details: bool) -> Iterator[str]:
    yield _glance(view, screen)
    if lines := glance.verdict_lines(view):
        said = [
            screen.prose(text, screen.styled(f"  {standing:<{WORD}}", COLOURS.get(standing)), " " * (WORD + 2))
            for standing, text in lines
        ]
        yield "\n".join([screen.heading("Verdicts"), *said])
    if told := tuple(advice.warnings(view)):
        yield _points(screen.styled("Warnings", "yellow", bold=True), told, screen)
    ends = [f"{what:<{WORD + 2}}{command}" for what, command in _next(view, directory, page, details=details)]
    if audited := audits.summary(view):
        ends.insert(0, screen.prose(audited, f"{'audit':<{WORD + 2}}"))
    yield "\n".join(ends)


def _next(view: View, directory: str, page: str, *, details: bool) -> Iterator[tuple[str, str]]:
    if directory != DIRECTORY:
        yield "results", directory
    if page:
        yield "page", page
    yield from advice.commands(view, directory, details=details)


def _glance(view: View, screen: Screen) -> str:
    """As much as there is room for: with intervals, the medians alone, or without the forecast."""
    shown = (
        (glance.glance(view, alone=False), False),
        (glance.glance(view, alone=True), True),
        (table := glance.glance(view, alone=True, forecast=False), True),
    )
    table = next((each for each, narrow in shown if fits(each, screen.width, narrow=narrow)), table)
    head = screen.prose(table.about, screen.heading(table.title) + " · ", "")
    body = fitted(table, screen.width, lambda cell: _tinted(cell, screen)) if table.rows else "No cell was played."
    return "\n".join([head, "", body, *_notes(table, screen)])


def _tinted(cell: str, screen: Screen) -> str:
    """A figure in the colour of its marks, and what is not there in red."""
    if cell in ("failed", "rejected"):
        return screen.styled(cell, "red")
    _, held, marks = cell.rpartition(HELD)
    if not held or not glance.MARKS.issuperset(marks):
        return cell
    if glance.BETTER in marks:
        return screen.styled(cell, "green", bold=True)
    return screen.styled(cell, "yellow")


def _audit(view: View, screen: Screen) -> list[str]:
    """A table where something failed or is noted; else the summary says it all."""
    table = audits.audit_table(view)
    if table is None:
        return []
    if any("noted" in text or "failed" in text for row in table.rows for text in row):
        # Under each other: side by side, three stacks are wider than a terminal.
        rows = tuple(tuple(text.replace(", ", "\n") for text in row) for row in table.rows)
        return [table_text(replace(table, rows=rows, labels=1), screen)]
    return [screen.prose("; ".join((f"{audits.TITLE}: {table.about}", *audits.sampler(view))))]


def _points(title: str, lines: Iterable[str], screen: Screen) -> str:
    return "\n".join([title, *(screen.prose(line, "- ") for line in lines)])
