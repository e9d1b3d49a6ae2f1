"""A run as Markdown: `report.md`, and the section of a README.

In: the view of a run. Out: one text; tables in GitHub's flavour.
"""

from collections.abc import Iterable
from typing import Final

from tabulate import tabulate

from bench.report import prose
from bench.report.residuals import residual_table
from bench.report.tables import Table, audit_table, failures, overview, scenario_table
from bench.report.verdicts import verdicts
from bench.report.view import View

README_LEVEL: Final = 3


def report(view: View, level: int = 1) -> str:
    """Environment, plan, tables, what was left out, and what the tables do not say.

    Headings begin at `level`.
    """
    sections = [
        _heading(level, "Results"),
        _points(prose.environment(view)),
        _points(prose.plan(view)),
        table_text(overview(view), level + 1),
        *(table_text(table, level + 1) for table in verdicts(view)),
        *(table_text(scenario_table(view, name), level + 1) for name in view.scenarios),
        *([table_text(residuals, level + 1)] if (residuals := residual_table(view)) else []),
        *([table_text(audit, level + 1)] if (audit := audit_table(view)) else []),
        _heading(level + 1, "Left out"),
        _points(failures(view)) or "Nothing: every cell passed.",
        _heading(level + 1, "How to read this, and what it does not say"),
        _points(prose.legend(view)),
    ]
    return "\n\n".join(sections) + "\n"


def readme(view: View) -> str:
    """The same for a README, where a reader wants the overview and opens the rest."""
    tables = "\n\n".join(table_text(scenario_table(view, name), README_LEVEL) for name in view.scenarios)
    sections = [
        table_text(overview(view), README_LEVEL),
        *(table_text(table, README_LEVEL) for table in verdicts(view)),
        _folded("A table for each scenario", tables),
        *(
            [_folded(residuals.title, table_text(residuals, README_LEVEL))]
            if (residuals := residual_table(view))
            else []
        ),
        *([_folded("The audit", table_text(audit, README_LEVEL))] if (audit := audit_table(view)) else []),
        _folded("How to read them", _points(prose.legend(view))),
        _folded("The environment", "\n\n".join((_points(prose.environment(view)), _points(prose.plan(view))))),
        "**Left out:** " + ("; ".join(failures(view)) or "nothing, every cell passed."),
    ]
    return "\n\n".join(sections) + "\n"


def table_text(table: Table, level: int) -> str:
    """A heading, question and setting, the table, and its notes."""
    texts = table.headers.index("forecast") if "forecast" in table.headers else len(table.headers)
    body = tabulate(
        [[_cell(text) for text in row] for row in table.rows],
        headers=[_cell(header) for header in table.headers],
        disable_numparse=True,
        colalign=["left"] * texts + ["right"] * (len(table.headers) - texts),
        tablefmt="pipe",
    )
    parts = [
        _heading(level, table.title),
        table.question,
        table.about,
        body,
        _points(map(_cell, table.notes)),
    ]
    return "\n\n".join(part for part in parts if part)


def _folded(summary: str, text: str) -> str:
    return f"<details>\n<summary>{summary}</summary>\n\n{text}\n\n</details>"


def _heading(level: int, text: str) -> str:
    return f"{'#' * level} {text}"


def _points(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("\n", "<br>")
