"""A run as the results section of a README, where a reader wants the overview and opens the rest."""

from typing import Final

from bench.report import prose
from bench.report.audits import audit_table
from bench.report.formats.markdown import points, table_text
from bench.report.left_out import failures
from bench.report.overview import overview
from bench.report.residuals import residual_table
from bench.report.tables import scenario_table
from bench.report.verdicts import verdicts
from bench.report.view import View

LEVEL: Final = 3
"""Of its headings: they stand below one of the README's own."""


def report(view: View) -> str:
    """The overview, and the rest folded."""
    tables = "\n\n".join(table_text(scenario_table(view, name), LEVEL) for name in view.scenarios)
    sections = [
        table_text(overview(view), LEVEL),
        *(table_text(table, LEVEL) for table in verdicts(view)),
        _folded("A table for each scenario", tables),
        *([_folded(residuals.title, table_text(residuals, LEVEL))] if (residuals := residual_table(view)) else []),
        *([_folded("The audit", table_text(audit, LEVEL))] if (audit := audit_table(view)) else []),
        _folded("How to read them", points(prose.legend(view))),
        _folded("The environment", "\n\n".join((points(prose.environment(view)), points(prose.plan(view))))),
        "**Left out:** " + ("; ".join(failures(view)) or "nothing, every cell passed."),
    ]
    return "\n\n".join(sections) + "\n"


def _folded(summary: str, text: str) -> str:
    return f"<details>\n<summary>{summary}</summary>\n\n{text}\n\n</details>"
