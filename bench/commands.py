"""What the commands do, once their words are understood.

In: a plan, names, paths. Out: lines on the terminal, files through the store, an exit status.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bench.check import Report, check
from bench.environment import describe
from bench.errors import UserError
from bench.progress import Progress, duration
from bench.records import Plan, Run
from bench.runner import CHECK_ESTIMATE_S, Target, check_service, estimate_s, planned_cells, run
from bench.targets.database import Database, load_schema, reachable
from bench.targets.embedded import embedded_postgres
from bench.targets.local import SCHEMA

if TYPE_CHECKING:
    from bench.report.render import Format

RESULTS: Final = Path("results")


@contextmanager
def database_target(url: str | None, pg_bin: Path | None) -> Iterator[Target]:
    """The given database, or an embedded one, with the services' tables in it."""
    if url is not None:
        if pg_bin is not None:
            raise UserError("--pg-bin is for the embedded PostgreSQL: leave it out, or --database-url")
        database = Database.from_url(url)
        reachable(database)
        load_schema(database, SCHEMA)
        yield Target(database, local=False)
        return
    with embedded_postgres(pg_bin=pg_bin) as database:
        load_schema(database, SCHEMA)
        yield Target(database, local=True)


def run_plan(plan: Plan, out: Path | None, database_url: str | None, pg_bin: Path | None, *, resume: bool) -> int:
    """Plays a plan; returns 1 where a cell failed."""
    from bench.report import terminal
    from bench.results import Results
    from bench.store import Store

    directory = _directory(plan, out, resume=resume)
    store = Store(directory, resume=resume)
    done = _resumed(store.stored.run, plan, directory) if store.stored else None
    finished = {cell.key for cell in done.cells} if done else set()
    left = [estimate_s(cell) for cell in planned_cells(plan) if cell.key not in finished]
    checks = [CHECK_ESTIMATE_S] * len(plan.services)
    progress = Progress(checks + left)
    progress.say(f"{len(left)} cells in about {duration(sum(checks + left))} → {directory}")
    results = Results(store)
    with database_target(database_url, pg_bin) as target:
        environment = describe(target.database, "embedded" if target.local else "given")
        ended = run(plan, environment, target, done, progress, results.add)
    click.echo(terminal.report(results.view(ended)))
    click.echo(f"\nresults: {directory}   (bench report {directory} makes the tables again)")
    return 1 if any(cell.status == "failed" for cell in ended.cells) else 0


def report_run(directory: Path, form: "Format", readme: Path | None) -> None:
    """Prints a stored run, or puts it into a README; measures nothing, and needs nothing running."""
    from bench.analysis.summary import summarise
    from bench.report.readme import fill
    from bench.report.render import render
    from bench.store import load

    stored = load(directory)
    summary = summarise(stored.run, stored.requests, stored.samples, stored.events)
    if readme is None:
        click.echo(render(stored, summary, form))
        return
    try:
        text = readme.read_text()
    except OSError as error:
        raise UserError(f"cannot read {readme}: {error.strerror}") from error
    readme.write_text(fill(text, render(stored, summary, "readme")))
    click.echo(f"filled the results of {readme} from {directory}")


def check_targets(targets: tuple[str, ...], tuning: str, database_url: str | None, pg_bin: Path | None) -> int:
    """Checks services, each on a process of its own, and URLs as they are; returns 1 where one fails."""
    reports = [_show(check(target, on_progress=_nothing)) for target in targets if "://" in target]
    names = [target for target in targets if "://" not in target]
    failed = sum(not report.passed for report in reports)
    if names:
        with database_target(database_url, pg_bin) as target:
            for name in names:
                checked = check_service(name, target.database, {"tuning": tuning}, _nothing)
                if checked.report is None:
                    click.echo(f"{name}: {checked.refused}")
                else:
                    _show(checked.report)
                failed += checked.refused is not None
    return 1 if failed else 0


def _show(report: Report) -> Report:
    from bench.report.listing import check_table

    click.echo(check_table(report))
    return report


def _nothing(_: str) -> None:
    """A check is short enough to wait for."""


def _directory(plan: Plan, out: Path | None, *, resume: bool) -> Path:
    if out is None and resume:
        raise UserError("--resume goes on with a run: say which by --out DIR")
    stamp = datetime.now(UTC).astimezone().strftime("%Y%m%d-%H%M%S")
    return out or RESULTS / f"{plan.profile}-{stamp}"


def _resumed(done: Run, plan: Plan, directory: Path) -> Run:
    """What was finished of a run; refused where another was asked for."""
    differs = [name for name in vars(plan) if getattr(plan, name) != getattr(done.plan, name)]
    if differs:
        raise UserError(f"{directory} was run with another {', '.join(differs)}: ask for the same, or take a new --out")
    return replace(done, cells=tuple(cell for cell in done.cells if cell.status == "ok"))
