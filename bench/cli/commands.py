"""What the commands do, once their words are understood.

In: a plan, names, paths. Out: lines on the terminal, files through the store, an exit status.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from bench.check import Report, check
from bench.errors import UserError
from bench.postgres.database import Database, load_schema, reachable
from bench.postgres.embedded import EmbeddedPostgres
from bench.record.schema import Environment, Plan, Run
from bench.run.annotations import Grafana
from bench.run.blocks import spoiled, taken_up
from bench.run.cell import Played
from bench.run.elsewhere import LOCAL, Where, elsewhere, planned
from bench.run.environment import describe
from bench.run.progress import Progress, duration
from bench.run.runner import CHECK_ESTIMATE_S, check_service, estimate_s, planned_cells, run, unfit_for
from bench.run.target import Target
from bench.targets import compose
from bench.targets.process import SCHEMA

if TYPE_CHECKING:
    from bench.report.render import Format

RESULTS: Final = Path("results")


@contextmanager
def postgres(url: str | None, pg_bin: Path | None) -> Iterator[tuple[Database, EmbeddedPostgres | None]]:
    """The given database, or that of an embedded server, with the services' tables in it; and that server."""
    if url is not None:
        if pg_bin is not None:
            raise UserError("--pg-bin is for the embedded PostgreSQL: leave it out, or --database-url")
        database = Database.from_url(url)
        reachable(database)
        load_schema(database, SCHEMA)
        yield database, None
        return
    with EmbeddedPostgres(pg_bin=pg_bin) as server:
        load_schema(server.database, SCHEMA)
        yield server.database, server


@dataclass(frozen=True, kw_only=True)
class Around:
    """What a run has around it: where it takes place, its database, and who is told of it."""

    place: Where = LOCAL
    database_url: str | None = None
    pg_bin: Path | None = None
    grafana: str | None = None


def run_plan(plan: Plan, out: Path | None, around: Around, *, resume: bool) -> int:
    """Plays a plan; returns 1 where a cell failed, or its audit says that the service is wrong."""
    from bench.analysis.stability import settled
    from bench.record.store import Store
    from bench.report import terminal
    from bench.run.results import Results

    directory = _directory(plan, out, resume=resume)
    grafana = _grafana(around)
    with ExitStack() as stack:
        target = None
        if around.place.kind != "local":
            target = stack.enter_context(_elsewhere(around, plan.tuning))
            plan = planned(plan, around.place.kind, target)
        store = Store(directory, resume=resume)
        stack.callback(store.leave)
        results = Results(store)
        if store.stored:
            _refuse_another("was run", store.stored.run.plan, plan, directory, "ask for the same")
        if target is None:
            database, server = stack.enter_context(postgres(around.database_url, around.pg_bin))
            target = Target(database, local=server is not None, server=server)
        environment = _environment(target)
        done = _resumed(store.stored.run, environment, directory) if store.stored else None
        progress = _progress(plan, target, done, directory)

        def ended(run: Run, played: Played) -> None:
            results.add(run, played)
            if grafana:
                grafana.mark(played)

        def enough(run: Run, scenario: str) -> bool:
            return plan.half_width is not None and settled(results.view(run).summary, scenario, plan.half_width)

        finished = run(
            plan,
            done.environment if done else environment,
            target,
            done,
            progress,
            ended,
            enough if plan.half_width else None,
        )
    results.close(finished)
    click.echo(terminal.report(results.view(finished)))
    click.echo(f"\nresults: {directory}   (bench report {directory} makes the tables again)")
    return 1 if any(map(spoiled, finished.cells)) else 0


def _elsewhere(around: Around, tuning: str) -> AbstractContextManager[Target]:
    if around.pg_bin is not None:
        raise UserError("--pg-bin is for the embedded PostgreSQL: leave it out, or --target")
    return elsewhere(around.place, tuning, around.database_url, _say)


def _grafana(around: Around) -> Grafana | None:
    """Who takes the annotations: as asked for, or the one of the Compose stack."""
    in_stack = around.place.kind == "compose"
    url = around.grafana or os.environ.get("GRAFANA_URL") or (compose.GRAFANA if in_stack else None)
    return Grafana(url, compose.settings().grafana if in_stack else os.environ, _say) if url else None


def _progress(plan: Plan, target: Target, done: Run | None, directory: Path) -> Progress:
    finished = {cell.key for cell in done.cells} if done else set()
    cells = [cell for cell in planned_cells(plan) if cell.key not in finished and not unfit_for(plan, target, cell)]
    left = [estimate_s(cell) for cell in cells]
    checks = (
        [] if target.remote or plan.layer == "pool" else [CHECK_ESTIMATE_S] * len({*map(target.stack, plan.services)})
    )
    progress = Progress(checks + left)
    most = "at most " if plan.half_width else ""
    progress.say(f"{most}{len(left)} cells in {most or 'about '}{duration(sum(checks + left))} → {directory}")
    return progress


def _environment(target: Target) -> Environment:
    given: Literal["given"] | None = "given" if target.database else None
    return describe(target.database, "embedded" if target.local else given, fresh_processes=not target.remote)


def _say(text: str) -> None:
    click.echo(text, err=True)


def report_run(directory: Path, form: "Format", readme: Path | None) -> None:
    """Prints a stored run, or puts it into a README; measures nothing, and needs nothing running."""
    from bench.analysis.summary import summarise
    from bench.record.store import load
    from bench.report.readme import fill
    from bench.report.render import render

    stored = load(directory)
    summary = summarise(stored.run, stored.requests, stored.samples, stored.events)
    if readme is None:
        click.echo(render(stored, summary, form))
        return
    try:
        text = readme.read_text()
        readme.write_text(fill(text, render(stored, summary, "readme")))
    except OSError as error:
        raise UserError(f"cannot read and write {readme}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{readme} is not UTF-8: save it so") from error
    click.echo(f"filled the results of {readme} from {directory}")


def compare_runs(run_a: Path, run_b: Path, threshold: float | None) -> int:
    """Prints what changed from A to B; returns 3 where something is worse. `threshold` is in percent."""
    from bench.analysis.change import THRESHOLD, changes, refusal, surroundings
    from bench.analysis.summary import measure
    from bench.record.store import load
    from bench.report import terminal
    from bench.report.changes import changes_table

    a, b = load(run_a), load(run_b)
    refused = refusal(a.run, b.run)
    if refused:
        raise UserError(f"{run_a} and {run_b}: {refused}")
    for text in surroundings(a.run, b.run):
        _say(f"differs: {text}")
    least = THRESHOLD if threshold is None else threshold / 100
    before, after = (measure(each.run, each.requests, each.samples, each.events) for each in (a, b))
    found = changes(a.run, b.run, before, after, least)
    click.echo(terminal.table_text(changes_table(found, least, a.run.plan.layer)))
    return 3 if any(change.verdict == "worse" for change in found) else 0


def beside_run(directory: Path, other: Path, form: "Format") -> None:
    """Prints what HTTP adds: two stored runs of the same scenarios, one of them on the pool alone."""
    from bench.analysis.summary import summarise
    from bench.record.store import load
    from bench.report.render import beside, view_of

    if form not in ("terminal", "md"):
        raise UserError(f"--beside makes tables, and --format {form} has none: take terminal or md")
    runs = (load(directory), load(other))
    one, two = (view_of(run, summarise(run.run, run.requests, run.samples, run.events)) for run in runs)
    click.echo(beside(one, two, form))


def draw_run(directory: Path, scenario: str, picture: Path) -> None:
    """Draws a scenario of a stored run into a file, whose suffix says in which format."""
    from bench.record.store import load
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


def check_targets(targets: tuple[str, ...], tuning: str, database_url: str | None, pg_bin: Path | None) -> int:
    """Checks services, each on a process of its own, and URLs as they are; returns 1 where one fails."""
    reports = [_show(check(target, on_progress=_nothing)) for target in targets if "://" in target]
    names = [target for target in targets if "://" not in target]
    failed = sum(not report.passed for report in reports)
    if names:
        with postgres(database_url, pg_bin) as (database, _):
            for name in names:
                checked = check_service(name, database, {"tuning": tuning}, _nothing)
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


def _resumed(done: Run, environment: Environment, directory: Path) -> Run:
    """What was finished of a run; refused where it would go on elsewhere: a run has one environment."""
    now = replace(environment, started=done.environment.started)
    _refuse_another("was measured", done.environment, now, directory, "measure where it was begun")
    return taken_up(done)


def _refuse_another(happened: str, was: object, now: object, directory: Path, do: str) -> None:
    differs = [name for name in vars(was) if getattr(was, name) != getattr(now, name)]
    if differs:
        raise UserError(f"{directory} {happened} with another {', '.join(differs)}: {do}, or take a new --out")
