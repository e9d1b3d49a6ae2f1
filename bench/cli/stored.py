"""What the commands do with stored runs: show one, compare two, draw a scenario, export one. Nothing is measured."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.errors import UserError

if TYPE_CHECKING:
    from bench.metrics.model import Metrics
    from bench.record.rows import Key
    from bench.record.stored import Stored
    from bench.report.render import Format


def report_run(directory: Path, form: "Format", readme: Path | None) -> None:
    """Prints a stored run, or puts it into a README; measures nothing, and needs nothing running."""
    from bench.record.stored import load
    from bench.report.markers import RESULTS, fill
    from bench.report.render import render
    from bench.report.view import view_of

    text = _read(readme) if readme else ""  # before what takes seconds
    stored = load(directory)
    view = view_of(stored.run, _metrics(stored))
    if readme is None:
        click.echo(render(view, form))
        return
    try:
        readme.write_text(fill(text, {RESULTS: render(view, "readme")}))
    except OSError as error:
        raise UserError(f"cannot write {readme}: {error.strerror}") from error
    click.echo(f"filled the results of {readme} from {directory}")


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


def compare_runs(run_a: Path, run_b: Path, threshold: float | None) -> int:
    """Prints what changed from A to B; returns 3 where something is worse. `threshold` is in percent."""
    from bench.analysis.change import THRESHOLD, changes, refusal, surroundings
    from bench.analysis.summary import counting
    from bench.record.stored import load
    from bench.report import words
    from bench.report.changes import changes_table
    from bench.report.formats import terminal

    a, b = load(run_a), load(run_b)
    refused = refusal(a.run, b.run)
    if refused:
        raise UserError(f"{run_a} and {run_b}: {refused}")
    for text in surroundings(a.run, b.run):
        click.echo(f"differs: {text}", err=True)
    least = THRESHOLD if threshold is None else threshold / 100
    before, after = (counting(each.run, _metrics(each)) for each in (a, b))
    found = changes(a.run, b.run, before, after, least)
    called = partial(words.stack, layer=a.run.plan.layer, recorded={**b.run.stacks, **a.run.stacks})
    click.echo(terminal.table_text(changes_table(found, least, called)))
    return 3 if any(change.verdict == "worse" for change in found) else 0


def beside_run(directory: Path, other: Path, form: "Format") -> None:
    """Prints what HTTP adds: two stored runs of the same scenarios, one of them on the pool alone."""
    from bench.record.stored import load
    from bench.report.render import beside
    from bench.report.view import view_of

    if form not in ("terminal", "md"):
        raise UserError(f"--beside makes tables, and --format {form} has none: take terminal or md")
    one, two = (view_of(each.run, _metrics(each)) for each in (load(directory), load(other)))
    click.echo(beside(one, two, form))


def draw_run(directory: Path, scenario: str, picture: Path) -> None:
    """Draws a scenario of a stored run into a file, whose suffix says in which format."""
    from bench.record.stored import load
    from bench.report.chart import FORMATS, chart

    form = picture.suffix.removeprefix(".")
    if form not in FORMATS:
        raise UserError(f"{picture} is neither .svg nor .png: call it so")
    drawn = chart(load(directory), scenario, form)
    try:
        picture.write_bytes(drawn)
    except OSError as error:
        raise UserError(f"cannot write {picture}: {error.strerror}") from error
    click.echo(f"drew {scenario} of {directory} into {picture}")


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
