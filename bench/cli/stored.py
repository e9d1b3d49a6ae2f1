"""What the commands do with stored runs: show one, compare two, draw a scenario, export one. Nothing is measured."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.screen import screen, show, show_run
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.metrics.model import Metrics
    from bench.record.rows import Key
    from bench.record.stored import Stored
    from bench.report.render import Format
    from bench.report.view import View


def newest_run() -> Path:
    """The newest run in `results/`; says which that is. Raises UserError where there is none."""
    from bench.record.layout import RESULTS, newest

    found = newest(RESULTS)
    click.echo(f"the newest run in {RESULTS}/: {found}", err=True)
    return found


def page_run(directory: Path) -> None:
    """Prints the page of a stored run, or the index of those in a folder."""
    from bench.record.layout import RUN, runs_in
    from bench.record.stored import load
    from bench.report.page.make import index_of, page_of

    runs = () if (directory / RUN).exists() else runs_in(directory)
    click.echo(index_of(directory, runs) if runs else page_of(load(directory)), nl=False)


def report_run(directory: Path, form: "Format", readme: Path | None, *, details: bool = False) -> None:
    """Prints a stored run, or puts it into a README; measures nothing, and needs nothing running."""
    from bench.report.markers import RESULTS, fill
    from bench.report.render import render

    text = _read(readme) if readme else ""  # before what takes seconds
    view = _view(directory)
    if readme is None:
        if form == "terminal":
            show_run(view, directory, details=details)
        else:
            click.echo(render(view, form), nl=form != "csv")
        return
    try:
        readme.write_text(fill(text, {RESULTS: render(view, "readme")}))
    except OSError as error:
        raise UserError(f"cannot write {readme}: {error.strerror}") from error
    click.echo(f"filled the results of {readme} from {directory}")
    for picture in draw_heroes(directory, view):
        click.echo(f"drew {picture}")


def draw_heroes(directory: Path, view: "View") -> tuple[Path, ...]:
    """Draws the picture of a README beside its run, for light and dark pages, where the run has what it shows; returns
    the files."""
    from bench.record.stored import load
    from bench.report.charts import HEROES, hero
    from bench.report.charts.hero import DRAWN

    keys = {cell.key for cell in view.run.cells if cell.scenario == DRAWN}
    rows = list(load(directory).rows(keys)) if keys else []
    drawn = []
    for scheme, name in HEROES.items() if rows else ():
        try:
            (directory / name).write_text(hero(view, rows, scheme), encoding="utf-8")
        except OSError as error:
            raise UserError(f"cannot write {directory / name}: {error.strerror}") from error
        drawn.append(directory / name)
    return tuple(drawn)


def _read(readme: Path) -> str:
    try:
        return readme.read_text()
    except FileNotFoundError:
        raise UserError(
            f"{readme} is not there: --readme fills a file with markers, as a checkout of poolbench has in README.md"
        ) from None
    except OSError as error:
        raise UserError(f"cannot read {readme}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{readme} is not UTF-8: save it so") from error


def report_scenario(directory: Path, scenario: str, form: "Format") -> None:
    """Prints one scenario of a stored run. Raises UserError where the run has none of it."""
    from bench.report.render import one_scenario

    view = _view(directory)
    if scenario not in view.scenarios:
        there = ", ".join(view.scenarios) or "nothing"
        raise UserError(f"{directory} has no {scenario}: it has {there}")
    on = screen()
    show(one_scenario(view, scenario, form, on), on)


def compare_runs(run_a: Path, run_b: Path, threshold: float | None, form: str) -> int:
    """Prints what changed from A to B; returns 3 where something is worse. `threshold` is in percent."""
    from bench.analysis.change import THRESHOLD, changes, refusal, surroundings
    from bench.analysis.summary import counting
    from bench.record.stored import load
    from bench.report import words
    from bench.report.changes import as_json, changes_table
    from bench.report.formats import junit, terminal

    a, b = load(run_a), load(run_b)
    refused = refusal(a.run, b.run)
    if refused:
        raise UserError(f"{run_a} and {run_b}: {refused}")
    differs = surroundings(a.run, b.run)
    for text in differs:
        click.echo(f"differs: {text}", err=True)
    least = THRESHOLD if threshold is None else threshold / 100
    before, after = (counting(each.run, _metrics(each)) for each in (a, b))
    found = changes(a.run, b.run, before, after, least)
    if form == "json":
        click.echo(as_json(found, least, differs))
    elif form == "junit":
        click.echo(junit.changes(found), nl=False)
    else:
        called = partial(words.stack, layer=a.run.plan.layer, recorded={**b.run.stacks, **a.run.stacks})
        on = screen()
        show(terminal.table_text(changes_table(found, least, called), on), on)
    return 3 if any(change.verdict == "worse" for change in found) else 0


def beside_run(directory: Path, other: Path, form: "Format") -> None:
    """Prints what HTTP adds: two stored runs of the same scenarios, one of them on the pool alone."""
    from bench.report.render import beside

    if form not in ("terminal", "md"):
        raise UserError(f"--beside makes tables, and --format {form} has none: take terminal or md")
    on = screen()
    show(beside(_view(directory), _view(other), form, on), on)


def draw_run(directory: Path, scenario: str, picture: Path) -> None:
    """Draws the charts of a scenario of a stored run into an SVG file."""
    from bench.record.stored import load
    from bench.report.charts.scenario import scenario_picture

    if picture.suffix != ".svg":
        raise UserError(f"{picture} will be an SVG file: call it {picture.with_suffix('.svg')}")
    drawn = scenario_picture(load(directory), scenario)
    try:
        picture.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {picture}: {error.strerror}") from error
    click.echo(f"drew {scenario} of {directory} into {picture}")


def _view(directory: Path) -> "View":
    """A stored run as reports ask for it."""
    from bench.record.stored import load
    from bench.report.view import view_of

    stored = load(directory)
    return view_of(stored.run, _metrics(stored))


def export_run(directory: Path, out: Path | None) -> None:
    """Writes a stored run as CSV files, into a folder `csv` in its own where nothing else is said."""
    from bench.record.export import make_folder, write_csv
    from bench.record.stored import load

    stored = load(directory)
    out = out or directory / "csv"
    make_folder(out)
    names = write_csv(stored, _metrics(stored), out)
    click.echo(f"wrote {', '.join(names)} to {out}")


def _metrics(stored: "Stored") -> "dict[Key, Metrics]":
    """The metrics of the cells of a stored run."""
    from bench.analysis.summary import measure

    return measure(stored.rows(), stored.run.environment.cores)
