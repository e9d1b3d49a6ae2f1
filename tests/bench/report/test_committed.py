"""The reports and the picture that are committed are what today's code makes of their runs."""

import re
from functools import cache
from typing import Final

import pytest

from bench.record.stored import load
from bench.report.charts import HEROES, hero
from bench.report.charts.scenario import scenario_picture
from bench.report.charts.style import Scheme
from bench.report.markers import RESULTS, fill
from bench.report.render import Format, render
from bench.report.view import View
from generate.files import ROOT
from tests.bench.report.stored import view_of

RUNS: Final = re.findall(r"^!/results/([\w-]+)/$", (ROOT / ".gitignore").read_text(), re.MULTILINE)
SHOWN: Final = "standard"
"""The run whose results stand in the README."""
DRAWN: Final = "leak-dropped"


@cache
def view(name: str) -> View:
    return view_of(load(ROOT / "results" / name))


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize(("file", "form"), [("report.md", "md"), ("summary.json", "json")])
def test_a_stored_report_is_what_would_be_made(name: str, file: str, form: Format) -> None:
    committed = (ROOT / "results" / name / file).read_text()

    assert committed.rstrip("\n") == render(view(name), form).rstrip("\n"), (
        f"bench report results/{name} --format {form}"
    )


def test_the_results_in_the_readme_are_those_of_the_run() -> None:
    text = (ROOT / "README.md").read_text()

    assert text == fill(text, {RESULTS: render(view(SHOWN), "readme")}), "bench report … --readme README.md"


def test_the_picture_is_what_would_be_drawn_today() -> None:
    committed = (ROOT / "results" / SHOWN / f"{DRAWN}.svg").read_text(encoding="utf-8")

    assert committed == scenario_picture(load(ROOT / "results" / SHOWN), DRAWN), "bench report … --chart FILE"


@pytest.mark.parametrize(("scheme", "name"), HEROES.items())
def test_the_picture_of_the_readme_is_what_would_be_drawn_today(scheme: Scheme, name: str) -> None:
    stored = load(ROOT / "results" / SHOWN)
    rows = list(stored.rows({cell.key for cell in stored.run.cells if cell.scenario == DRAWN}))

    assert (ROOT / "results" / SHOWN / name).read_text(encoding="utf-8") == hero(view(SHOWN), rows, scheme), (
        "bench report … --readme README.md"
    )
