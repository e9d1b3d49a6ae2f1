"""A run as Markdown with tables in GitHub's flavour: `report.md`."""

from collections.abc import Iterable

from tabulate import tabulate

from bench.report import prose
from bench.report.audits import audit_table
from bench.report.left_out import failures
from bench.report.matrix import matrix_table
from bench.report.overview import overview
from bench.report.residuals import residual_table
from bench.report.table import Table
from bench.report.tables import scenario_table
from bench.report.verdicts import verdicts
from bench.report.view import View


def report(view: View) -> str:
    """Environment, plan, tables, what was left out, and what the tables do not say."""
    sections = [
        heading(1, "Results"),
        points(prose.environment(view)),
        points(prose.plan(view)),
        table_text(overview(view), 2),
        *(table_text(table, 2) for table in verdicts(view)),
        *([table_text(contrasts, 2)] if (contrasts := matrix_table(view)) else []),
        *(table_text(scenario_table(view, name), 2) for name in view.scenarios),
        *([table_text(residuals, 2)] if (residuals := residual_table(view)) else []),
        *([table_text(audit, 2)] if (audit := audit_table(view)) else []),
        heading(2, "Left out"),
        points(failures(view)) or "Nothing: every cell passed.",
        heading(2, "How to read this, and what it does not say"),
        points(prose.legend(view)),
    ]
    return "\n\n".join(sections) + "\n"


def tables(of: Iterable[Table]) -> str:
    """Tables without a run around them."""
    return "\n\n".join(table_text(table, 2) for table in of) + "\n"


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
        heading(level, table.title),
        table.question,
        table.about,
        body,
        points(map(_cell, table.notes)),
    ]
    return "\n\n".join(part for part in parts if part)


def heading(level: int, text: str) -> str:
    """`## text`."""
    return f"{'#' * level} {text}"


def points(lines: Iterable[str]) -> str:
    """A list, a point each."""
    return "\n".join(f"- {line}" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("\n", "<br>")
