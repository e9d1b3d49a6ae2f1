"""Plays the cells of a plan one after another, each service after its check, and hands over every cell as it ends."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import partial
from time import monotonic
from typing import Final

import psycopg

from bench import temporary
from bench.analysis.baseline import Baseline
from bench.analysis.statistics import REPETITIONS_TO_JUDGE
from bench.errors import UserError
from bench.load.driver import LoadGenerator
from bench.postgres.database import Database, calibrate_units
from bench.record.readings import SamplerEffect
from bench.record.schema import SCHEMA, Cell, Environment, Plan, Run, StackFacts, Status, played_as
from bench.run.audited import audited, effect, judging, to_repeat
from bench.run.cell import Played, play
from bench.run.checks import Checks
from bench.run.conditions import Conditions
from bench.run.executor import Executor
from bench.run.in_process import PoolExecutor
from bench.run.matrix import estimate_s, planned_cells, unfit_for
from bench.run.over_http import HttpExecutor
from bench.run.progress import Progress
from bench.run.repetitions import REPLAYS, Replay, play_all
from bench.scenarios.catalogue import SCENARIOS
from bench.targets.columns import named
from bench.targets.target import Target
from services.stacks import STACKS

Ended = Callable[[Run, Played], None]
"""What becomes of a cell that has ended, and of the run up to it."""
WITHOUT_SAMPLER: Final = "without the sampler"
Enough = Callable[[Run, str], bool]
"""Whether a scenario needs no more repetitions than the run has of it."""


def run(
    plan: Plan,
    environment: Environment,
    target: Target,
    done: Run | None,
    progress: Progress,
    ended: Ended,
    enough: Enough | None = None,
) -> Run:
    """Plays what `done` lacks, and hands over every cell as it ends: interrupted, nothing finished is lost.

    After the repetitions that it takes to judge, `enough` is asked before each further one of a scenario. Raises
    PostgresDied where a cell failed because of that.
    """
    temporary.sweep(temporary.SAMPLES)
    began = monotonic()
    before = done.took_s if done else 0.0
    cells = planned_cells(plan, target.stack)
    current = done or Run(schema=SCHEMA, environment=environment, plan=plan, cells=(), stacks=_facts(plan, environment))
    current = replace(current, environment=environment)
    repeated = _to_repeat(cells, plan, target, current)
    progress.more([estimate_s(cell) for cell in (repeated,) if cell])
    with _executor(plan, target) as executor:
        checks = Checks(target, plan, _to_play(cells, plan, target, current), progress)
        checked_s = current.checks_s
        conditions = _conditions(plan, target)
        ends = _Ends(enough, (cell.key for cell in current.cells))
        baseline = Baseline.of(current.cells)
        with_sampler: Played | None = None

        def step(current: Run, cell: Cell) -> Run:
            nonlocal baseline, with_sampler
            unfit = unfit_for(plan, target, cell)
            if ends.before(cell, current):
                if not unfit:
                    progress.spared(estimate_s(cell))
                return current
            if unfit:
                played = _without(cell, status="skipped", why=unfit)
            elif refused := checks.refusal(cell):
                played = _without(cell, status="failed", why=refused.refused, log_tail=refused.log_tail or None)
            else:
                asked = SCENARIOS[cell.scenario].at(plan.hold_ms, plan.release)
                foretold = baseline.foretold(cell, asked)
                played = audited(_play(foretold, plan, conditions, executor, progress), plan, environment.cores)
                baseline = baseline.seen(played.cell, played.requests)
            played = _explained(played, target)
            if repeated and cell.key == repeated.key:
                with_sampler = played
            current = replace(
                current,
                cells=(*current.cells, played.cell),
                took_s=before + monotonic() - began,
                checks_s=checked_s + checks.took_s,
            )
            ended(current, played)
            if unfit:
                progress.say(_line(played))
            else:
                progress.done(_line(played), estimate_s=estimate_s(cell))
            return current

        def again(replay: Replay) -> None:
            progress.more([estimate_s(cell) for cell in replay.cells])
            progress.say(str(replay))

        current = play_all(cells, current, step, again, REPLAYS if judging(plan) else 0)
        checks.spare()
        if repeated:
            unwatched = partial(
                _play, plan=plan, conditions=conditions, executor=executor, progress=progress, sampled=False
            )
            found = _sampler_effect(repeated, with_sampler, unwatched, progress)
            current = replace(current, sampler_effect=found or current.sampler_effect)
    return replace(current, took_s=before + monotonic() - began)


def _to_play(cells: Iterable[Cell], plan: Plan, target: Target, done: Run) -> list[Cell]:
    """The cells that `done` lacks and that can be played."""
    finished = {cell.key for cell in done.cells}
    return [cell for cell in cells if cell.key not in finished and not unfit_for(plan, target, cell)]


def _to_repeat(cells: Sequence[Cell], plan: Plan, target: Target, done: Run) -> Cell | None:
    """The cell that is to be played once more without the sampler; None where it is not played in this sitting."""
    found = to_repeat(cells, plan) if plan.layer == "http" else None
    played = found is None or found.key in {cell.key for cell in done.cells} or unfit_for(plan, target, found)
    return None if played else found


def _sampler_effect(
    planned: Cell, with_sampler: Played | None, play_without: Callable[[Cell], Played], progress: Progress
) -> SamplerEffect | None:
    """The cell that is planned for it once more, without the sampler; None where it did not come to be played."""
    estimate = estimate_s(planned)
    if with_sampler is None or with_sampler.requests is None:
        progress.spared(estimate)
        return None
    without = play_without(with_sampler.cell)
    progress.done(f"{_line(without)} · {WITHOUT_SAMPLER}", estimate_s=estimate)
    return effect(with_sampler, without)


def _facts(plan: Plan, environment: Environment) -> dict[str, StackFacts]:
    """What is recorded of the stacks of a plan; a service elsewhere under a name of its own is none.

    Where a stack is played with several versions of a library, each of its columns is called by its own.
    """
    played = {service: STACKS[service] for service, _ in map(played_as, plan.services) if service in STACKS}
    names = [field.name for field in fields(StackFacts)]
    facts = {name: StackFacts(**{each: getattr(stack, each) for each in names}) for name, stack in played.items()}
    for service, of in list(facts.items()):
        columns = [name for name in environment.columns if played_as(name)[0] == service]
        differ = dict.fromkeys(each for column in columns for each in named(column))
        for column in (service, *columns) if columns else ():
            versions = environment.versions | environment.columns.get(column, {})
            said = ", ".join(f"{name} {versions[name]}" for name in differ)
            facts[column] = replace(of, label=f"{of.label}, {said}", label_alone=f"{of.label_alone}, {said}")
    return facts


class _Ends:
    """Which scenarios are at their end. One is only ended between two repetitions, and then for good."""

    def __init__(self, enough: Enough | None, finished: Iterable[tuple[str, str, int]]) -> None:
        self._enough = enough
        self._begun = {(scenario, repetition) for scenario, _, repetition in finished}
        self._over = set[str]()

    def before(self, cell: Cell, run: Run) -> bool:
        """Whether this cell is not needed any more, after those of `run`."""
        if (
            self._enough is None
            or cell.repetition < REPETITIONS_TO_JUDGE
            or (cell.scenario, cell.repetition) in self._begun
        ):
            return False
        if cell.scenario not in self._over:
            if not self._enough(run, cell.scenario):
                self._begun.add((cell.scenario, cell.repetition))
                return False
            self._over.add(cell.scenario)
        return True


def _explained(played: Played, target: Target) -> Played:
    """With the last line of a service that ended on another version of a library, whose API may be another."""
    cell = played.cell
    if cell.service not in target.libraries or not cell.log_tail:
        return played
    return replace(played, cell=replace(cell, why=f"{cell.why}: {cell.log_tail.splitlines()[-1].strip()}"))


def _without(cell: Cell, *, status: Status, why: str | None, log_tail: str | None = None) -> Played:
    """A cell that was not played."""
    return Played(replace(cell, status=status, why=why, log_tail=log_tail))


def _play(
    cell: Cell,
    plan: Plan,
    conditions: Conditions,
    executor: Executor,
    progress: Progress,
    *,
    sampled: bool = True,
) -> Played:
    progress.doing(f"{cell.scenario} · {cell.service}" + ("" if sampled else f" · {WITHOUT_SAMPLER}"))
    asked = SCENARIOS[cell.scenario].at(plan.hold_ms, plan.release)
    played = play(cell, asked, conditions, executor, sampled=sampled)
    if conditions.server and played.cell.status == "failed":
        conditions.server.refuse_death()
    return played


@contextmanager
def _executor(plan: Plan, target: Target) -> Iterator[Executor]:
    """The layer of the plan. The load generator begins at once, so that it is ready when the first check is done."""
    if plan.layer == "pool":
        yield PoolExecutor(target)
    else:
        with LoadGenerator() as generator:
            yield HttpExecutor(target, generator)


def _conditions(plan: Plan, target: Target) -> Conditions:
    needs_cpu = any(SCENARIOS[name].work_kind == "cpu" for name in plan.scenarios)
    return Conditions(
        stack=target.stack,
        server=target.server,
        database=target.database,
        local_database=target.local,
        tuning="as_shipped" if plan.tuning == "as_shipped" else "equalised",
        work_units=_calibrated(target.database, plan.hold_ms) if needs_cpu and target.database else 0,
    )


def _calibrated(database: Database, hold_ms: int) -> int:
    try:
        return calibrate_units(database, hold_ms)
    except psycopg.Error as error:
        raise UserError(f"the work cannot be calibrated on {database}: {' '.join(str(error).split())}") from error


def _line(played: Played) -> str:
    cell = played.cell
    where = f"{cell.scenario} · {cell.service}"
    if played.requests is None:
        return f"{where} · {cell.status}: {cell.why}"
    statuses = played.requests["status"]
    served, sent = int((statuses == 200).sum()), len(statuses)
    rejected = f" · rejected: {cell.why}" if cell.status == "rejected" else ""
    return f"{where} · {served} of {sent} served in {cell.load_s:.2f} s{rejected}"
