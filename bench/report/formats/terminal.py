"""A run as text for a terminal of `WIDTH` columns."""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import tabulate

from bench.report import audits, prose
from bench.report.left_out import failures
from bench.report.overview import overview
from bench.report.residuals import residual_table
from bench.report.table import Table
from bench.report.tables import scenario_table
from bench.report.verdicts import verdicts
from bench.report.view import View

WIDTH: Final = 100
tabulate.MIN_PADDING = 0  # what a header is wider than its column for; three intervals need the room


def report(view: View) -> str:
    """The scenarios, how to read them, what was left out; and the overview last, where the eye is."""
    parts = [table_text(scenario_table(view, name)) for name in view.scenarios]
    if residuals := residual_table(view):
        parts.append(table_text(residuals))
    parts.append("How to read this\n" + "\n".join(_wrapped(prose.legend(view))))
    left_out = failures(view)
    if left_out:
        parts.append("Left out\n" + "\n".join(_wrapped(left_out)))
    parts += [table_text(table) for table in verdicts(view, width=WIDTH)]
    parts += _audit(view)
    parts.append(table_text(overview(view)))
    return "\n\n".join(parts) + "\n"


def _audit(view: View) -> list[str]:
    """A table where something failed or is noted, else one line."""
    table = audits.audit_table(view)
    if table is None:
        return []
    if any("noted" in text or "failed" in text for row in table.rows for text in row):
        # Under each other: side by side, three stacks are wider than a terminal.
        rows = tuple(tuple(text.replace(", ", "\n") for text in row) for row in table.rows)
        return [table_text(replace(table, rows=rows))]
    return [textwrap.fill("; ".join((f"Audit: {table.about}", *audits.sampler(view))), WIDTH)]


def tables(of: Iterable[Table]) -> str:
    """Tables without a run around them."""
    return "\n\n".join(map(table_text, of)) + "\n"


def table_text(table: Table) -> str:
    """Title, question and setting, the table, and its notes."""
    head = [table.title, *(textwrap.fill(text, WIDTH) for text in (table.question, table.about) if text)]
    body = tabulate.tabulate(
        [[*row] for row in table.rows],
        headers=[header.replace(" + ", " +\n") for header in table.headers],
        disable_numparse=True,
        colalign=_alignment(table),
        tablefmt="simple",
    )
    return "\n".join([*head, "", body, *(textwrap.fill(note, WIDTH) for note in table.notes)])


def _alignment(table: Table) -> list[str]:
    texts = table.headers.index("forecast") if "forecast" in table.headers else len(table.headers)
    return ["left"] * texts + ["right"] * (len(table.headers) - texts)


def _wrapped(lines: tuple[str, ...]) -> Iterator[str]:
    return (textwrap.fill(line, WIDTH, initial_indent="- ", subsequent_indent="  ") for line in lines)
