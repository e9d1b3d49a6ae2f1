"""Reports of a run, made from what was stored and from nothing else."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal

from bench.report.formats import markdown, readme, summary_json, terminal
from bench.report.layers import layers
from bench.report.table import Table
from bench.report.view import View

Format = Literal["terminal", "md", "readme", "json"]
EXPORTERS: Final[Mapping[Format, Callable[[View], str]]] = {
    "terminal": terminal.report,
    "md": markdown.report,
    "readme": readme.report,
    "json": summary_json.report,
}
"""A file of `formats/` for each."""
TABLES: Final[Mapping[Literal["terminal", "md"], Callable[[Iterable[Table]], str]]] = {
    "terminal": terminal.tables,
    "md": markdown.tables,
}
"""Those that can show tables without a run around them."""


def render(view: View, form: Format) -> str:
    """For a terminal, `report.md`, the section of a README, or `summary.json`."""
    return EXPORTERS[form](view)


def beside(one: View, other: View, form: Literal["terminal", "md"]) -> str:
    """The same scenarios on the pool alone and over HTTP. Raises UserError where they cannot be set side by side."""
    return TABLES[form](layers(one, other))
