"""One run from its plan to its results: what it has around it, what it goes on with, and where its results are kept."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from bench.analysis.stability import settled
from bench.errors import PostgresDied, UserError
from bench.record.layout import RESULTS
from bench.record.schema import Environment, Plan, Run
from bench.record.store import Store
from bench.report.view import View
from bench.run.annotations import Grafana
from bench.run.cell import Played
from bench.run.checks import CHECK_ESTIMATE_S, to_check
from bench.run.elsewhere import elsewhere, planned
from bench.run.environment import describe
from bench.run.loop import Enough, run
from bench.run.matrix import estimate_s, planned_cells, unfit_for
from bench.run.progress import Progress, duration
from bench.run.repetitions import taken_up
from bench.run.results import Results
from bench.targets import compose
from bench.targets.installed import require_libraries
from bench.targets.libraries import Libraries
from bench.targets.postgres import postgres
from bench.targets.target import Target
from bench.targets.where import LOCAL, Where

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Where a run takes place, its database, and the Grafana that is told of it."""

    place: Where = LOCAL
    database_url: str | None = None
    pg_bin: Path | None = None
    grafana: str | None = None
    libraries: Mapping[str, Libraries] = field(default_factory=dict)
    """What columns have in place of the locked libraries, by their names in the plan."""


@dataclass(frozen=True)
class Finished:
    """A run that was played to its end."""

    view: View
    directory: Path


def play_plan(plan: Plan, out: Path | None, around: Surroundings, say: Say, *, resume: bool) -> Finished:
    """Plays a plan, or what an interrupted run of it lacks. Raises UserError where it cannot be played so."""
    if around.place.kind == "local":
        require_libraries(plan.services)
    directory = _directory(plan, out, resume=resume)
    grafana = _grafana(around, say)
    with ExitStack() as stack:
        far = None
        if around.place.kind != "local":
            far = stack.enter_context(_elsewhere(around, plan.tuning, say))
            plan = planned(plan, around.place.kind, far)
        store = stack.enter_context(Store(directory, resume=resume))
        results = stack.enter_context(Results(store))
        stack.enter_context(_kept(results, directory, say))
        if store.stored:
            _refuse_another("was run", store.stored.run.plan, plan, directory, "ask for the same")
        target = far or stack.enter_context(_local(around))
        environment = _environment(plan, target)
        done = _resumed(store.stored.run, environment, directory) if store.stored else None

        def ended(run: Run, played: Played) -> None:
            results.add(run, played)
            if grafana:
                grafana.mark(played)

        progress = _progress(plan, target, done, directory)
        environment = done.environment if done else environment
        finished = run(plan, environment, target, done, progress, ended, _enough(plan, results))
        return Finished(results.close(finished), directory)


@contextmanager
def _kept(results: Results, directory: Path, say: Say) -> Iterator[None]:
    """Where a run is broken off, it is told how to go on with what was finished."""
    kept = f"what was finished is kept: the same command with --out {directory} --resume goes on"
    try:
        yield
    except KeyboardInterrupt:
        if results.kept:
            say(f"\n{kept}")
        raise
    except PostgresDied as died:
        raise PostgresDied(f"{died}; {kept if results.kept else 'nothing was finished'}") from None


def _enough(plan: Plan, results: Results) -> Enough | None:
    half_width = plan.half_width
    if half_width is None:
        return None

    def enough(run: Run, scenario: str) -> bool:
        played = replace(run, cells=tuple(cell for cell in run.cells if cell.scenario == scenario))
        return settled(results.view(played).summary, scenario, half_width)

    return enough


@contextmanager
def _local(around: Surroundings) -> Iterator[Target]:
    with postgres(around.database_url, around.pg_bin) as (database, server):
        yield Target(database, local=server is not None, server=server, libraries=around.libraries)


@contextmanager
def _elsewhere(around: Surroundings, tuning: str, say: Say) -> Iterator[Target]:
    if around.pg_bin is not None:
        raise UserError("--pg-bin is for the embedded PostgreSQL: leave it out, or --target")
    with elsewhere(around.place, tuning, around.database_url, say) as target:
        yield target


def _grafana(around: Surroundings, say: Say) -> Grafana | None:
    """The Grafana that takes the annotations: as asked for, or that of the Compose stack."""
    in_stack = around.place.kind == "compose"
    url = around.grafana or os.environ.get("GRAFANA_URL") or (compose.GRAFANA if in_stack else None)
    return Grafana(url, compose.settings().grafana if in_stack else os.environ, say) if url else None


def _progress(plan: Plan, target: Target, done: Run | None, directory: Path) -> Progress:
    finished = {cell.key for cell in done.cells} if done else set()
    cells = planned_cells(plan, target.stack)
    to_play = [cell for cell in cells if cell.key not in finished and not unfit_for(plan, target, cell)]
    left = [estimate_s(cell) for cell in to_play]
    checks = [CHECK_ESTIMATE_S] * len(to_check(target, plan, to_play))
    progress = Progress(checks + left)
    most = "at most " if plan.half_width else ""
    progress.say(f"{most}{len(left)} cells in {most or 'about '}{duration(sum(checks + left))} → {directory}")
    return progress


def _environment(plan: Plan, target: Target) -> Environment:
    given: Literal["given"] | None = "given" if target.database else None
    kind = "embedded" if target.local else given
    return describe(
        target.database,
        kind,
        services=plan.services,
        fresh_processes=not target.remote,
        columns=target.libraries,
    )


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
