"""Reports of a run, made from what was stored and from nothing else."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal

from bench.errors import UserError
from bench.report.formats import figures_csv, markdown, readme, summary_json, terminal
from bench.report.layers import layers
from bench.report.screen import PIPE, Screen
from bench.report.table import Table
from bench.report.tables import scenario_table
from bench.report.verdicts import verdicts
from bench.report.view import View

Format = Literal["terminal", "md", "readme", "json", "csv"]
EXPORTERS: Final[Mapping[Format, Callable[[View], str]]] = {
    "terminal": terminal.summary,
    "md": markdown.report,
    "readme": readme.report,
    "json": summary_json.report,
    "csv": figures_csv.report,
}
"""A file of `formats/` for each."""


def render(view: View, form: Format) -> str:
    """For a terminal that is as usual, `report.md`, the section of a README, `summary.json`, or CSV."""
    return EXPORTERS[form](view)


def beside(one: View, other: View, form: Literal["terminal", "md"], screen: Screen = PIPE) -> str:
    """The same scenarios on the pool alone and over HTTP. Raises UserError where they cannot be set side by side."""
    return _tables(layers(one, other), form, screen)


def one_scenario(view: View, name: str, form: Format, screen: Screen = PIPE) -> str:
    """A scenario that the run has: its table and its verdicts, or its figures as CSV.

    Raises UserError for a format that is of a whole run.
    """
    if form == "csv":
        return figures_csv.report(view, name)
    if form not in ("terminal", "md"):
        raise UserError(f"--format {form} is the whole run: leave out -x, or take terminal, md or csv")
    return _tables((scenario_table(view, name), *verdicts(view, name)), form, screen)


def _tables(of: Iterable[Table], form: Literal["terminal", "md"], screen: Screen) -> str:
    """Tables without a run around them."""
    return markdown.tables(of) if form == "md" else terminal.tables(of, screen)
