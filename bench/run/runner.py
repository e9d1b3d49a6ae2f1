"""The matrix of a run: check every service, then scenarios × services × blocks, each cell saved when it ends.

In: a plan, a target, a store. Out: a `Run` on disk, and a line of progress per cell.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from time import monotonic
from typing import Final

import psycopg

from bench.analysis.baseline import Baseline
from bench.analysis.forecast import forecast
from bench.analysis.statistics import BLOCKS_TO_JUDGE
from bench.check import Report, check
from bench.errors import UserError
from bench.load.driver import LoadGenerator
from bench.postgres.database import Database, calibrate_units
from bench.record.schema import SCHEMA, Cell, Environment, Plan, Run, Status
from bench.run import alone
from bench.run.audited import audited, effect, judging, to_repeat
from bench.run.blocks import AGAIN as REPLAYS
from bench.run.blocks import Replay, play_all
from bench.run.cell import Conditions, Played, play
from bench.run.progress import Progress
from bench.run.target import Target
from bench.scenarios.arrivals import cell_seed
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.loads import length_s
from bench.scenarios.model import Asked, Scenario
from bench.targets.process import LocalService, ServiceDied
from services.stacks import shipped_overflow

Ended = Callable[[Run, Played], None]
"""What becomes of a cell that has ended, and of the run up to it."""
Enough = Callable[[Run, str], bool]
"""Whether a scenario needs no more blocks than the run has of it."""
START_ESTIMATE_S: Final = 2.2
"""Start, warm-up and stop of one service process; only the first guess of the time left rests on it."""
CHECK_ESTIMATE_S: Final = 6.5


@dataclass(frozen=True)
class Checked:
    """What the conformance check said of one service; `refused` is why it is not measured, or None."""

    service: str
    refused: str | None
    report: Report | None


def planned_cells(plan: Plan, stack: Callable[[str], str] = str) -> list[Cell]:
    """Every cell in the order of play. Services take turns in being first: ABC, BCA, CAB.

    `stack` says which service stands behind a name.
    """
    cells = []
    for block in range(plan.repeat):
        turn = block % len(plan.services)
        order = plan.services[turn:] + plan.services[:turn]
        for name in plan.scenarios:
            scenario = SCENARIOS[name]
            asked = scenario.at(plan.hold_ms, base_url="")
            cells += [_cell(plan, scenario, asked, service, stack(service), block) for service in order]
    return cells


def unfit_for(plan: Plan, target: Target, cell: Cell) -> str | None:
    """Why a cell of this plan cannot be played on this target; None where it can."""
    return (alone.unfit(cell) if plan.layer == "pool" else None) or target.unfit(cell)


def estimate_s(cell: Cell) -> float:
    """A first guess of how long a cell takes in all, in seconds."""
    asked = SCENARIOS[cell.scenario].at(cell.hold_ms, base_url="")
    by_load = max(cell.forecast.wall_s or 0.0, length_s(asked.load))
    return START_ESTIMATE_S + (by_load or cell.patience_s)


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

    After the blocks that it takes to judge, `enough` is asked before each further one of a scenario.
    """
    began = monotonic()
    before = done.took_s if done else 0.0
    cells = planned_cells(plan, target.stack)
    current = done or Run(schema=SCHEMA, environment=environment, plan=plan, cells=())
    current = replace(current, environment=environment)
    with _generator(plan) as generator:
        refused = {
            checked.service: checked.refused for checked in check_services(target, plan, progress) if checked.refused
        }
        checks_s = monotonic() - began + current.checks_s
        conditions = _conditions(plan, target)
        ends = _Ends(enough, (cell.key for cell in current.cells))
        baseline = Baseline.of(current.cells)
        repeated = to_repeat(cells, plan) if plan.layer == "http" else None
        sampled: Played | None = None

        def step(current: Run, cell: Cell) -> Run:
            nonlocal baseline, sampled
            unfit = unfit_for(plan, target, cell)
            if ends.before(cell, current):
                if not unfit:
                    progress.spared(estimate_s(cell))
                return current
            if unfit:
                played = _without(cell, status="skipped", why=unfit)
            elif target.stack(cell.service) in refused:
                played = _without(cell, status="failed", why=refused[target.stack(cell.service)])
            else:
                asked = SCENARIOS[cell.scenario].at(plan.hold_ms, base_url="")
                foretold = baseline.foretold(cell, asked)
                played = audited(_play(foretold, plan, conditions, generator, progress), plan, environment.cores)
                baseline = baseline.seen(played.cell, played.requests)
            if repeated and cell.key == repeated.key:
                sampled = played
            current = replace(
                current, cells=(*current.cells, played.cell), took_s=before + monotonic() - began, checks_s=checks_s
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
        if sampled and sampled.requests is not None:
            unsampled = _play(sampled.cell, plan, conditions, generator, progress, sampled=False)
            current = replace(current, sampler_effect=effect(sampled, unsampled, plan))
    return replace(current, took_s=before + monotonic() - began)


class _Ends:
    """Which scenarios are at their end. One is only ended between two blocks, and then for good."""

    def __init__(self, enough: Enough | None, finished: Iterable[tuple[str, str, int]]) -> None:
        self._enough = enough
        self._begun = {(scenario, block) for scenario, _, block in finished}
        self._over = set[str]()

    def before(self, cell: Cell, run: Run) -> bool:
        """Whether this cell is not needed any more, after those of `run`."""
        if self._enough is None or cell.block < BLOCKS_TO_JUDGE or (cell.scenario, cell.block) in self._begun:
            return False
        if cell.scenario not in self._over:
            if not self._enough(run, cell.scenario):
                self._begun.add((cell.scenario, cell.block))
                return False
            self._over.add(cell.scenario)
        return True


def check_services(target: Target, plan: Plan, progress: Progress) -> Iterator[Checked]:
    """Each service on a process of its own, which is thrown away: the check leaks, resizes and exhausts.

    Nothing is done to services that run elsewhere: these were looked at when they were met. Nor where no service
    is asked, but the pool that it uses.
    """
    if target.remote or target.database is None or plan.layer == "pool":
        return
    for name in dict.fromkeys(map(target.stack, plan.services)):
        progress.doing(f"check · {name}")
        checked = check_service(name, target.database, {"tuning": plan.tuning}, progress.doing)
        passed = (
            len([result for result in checked.report.results if result.verdict == "passed"]) if checked.report else 0
        )
        text = f"refused: {checked.refused}" if checked.refused else f"keeps the contract ({passed} checks)"
        progress.done(f"check · {name} · {text}", estimate_s=CHECK_ESTIMATE_S)
        yield checked


def check_service(name: str, database: Database, settings: dict[str, str], doing: Callable[[str], None]) -> Checked:
    """One service against the contract."""
    try:
        with LocalService(name, database, settings) as service:
            report = check(service.base_url, on_progress=lambda text: doing(f"check · {name} · {text}"))
    except ServiceDied as error:
        return Checked(name, f"{error}; its last lines:\n{error.log_tail}", None)
    failed = [result for result in report.results if result.verdict == "failed"]
    if failed:
        return Checked(name, f"fails {failed[0].name}: {failed[0].detail} (bench check {name} says more)", report)
    return Checked(name, None, report)


def _cell(plan: Plan, scenario: Scenario, asked: Asked, service: str, stack: str, block: int) -> Cell:
    overflow = shipped_overflow(stack) if plan.tuning == "as_shipped" else 0
    return Cell(
        scenario=scenario.name,
        service=service,
        block=block,
        seed=cell_seed(plan.seed, scenario.name, block),
        hold_ms=asked.hold_ms,
        patience_s=asked.patience_s,
        pool_size=scenario.pool_size,
        capacity=scenario.pool_size + overflow,
        threads=None,
        load={"kind": type(asked.load).__name__.lower()} | asdict(asked.load),
        forecast=forecast(asked, scenario.pool_size + overflow),
        status="ok",
    )


def _without(cell: Cell, *, status: Status, why: str | None) -> Played:
    """A cell that was not played."""
    return Played(replace(cell, status=status, why=why), None, [], [])


def _play(
    cell: Cell,
    plan: Plan,
    conditions: Conditions,
    generator: LoadGenerator,
    progress: Progress,
    *,
    sampled: bool = True,
) -> Played:
    progress.doing(f"{cell.scenario} · {cell.service}" + ("" if sampled else " · without the sampler"))
    asked = SCENARIOS[cell.scenario].at(plan.hold_ms, base_url="")
    if plan.layer == "pool":
        return alone.play(cell, asked, conditions)
    generator.start()
    return play(cell, asked, conditions, generator, sampled=sampled)


@contextmanager
def _generator(plan: Plan) -> Iterator[LoadGenerator]:
    """Begun at once, so that it is ready when the checks are done; the pool alone is played on without it."""
    generator = LoadGenerator()
    try:
        if plan.layer == "http":
            generator.start()
        yield generator
    finally:
        generator.stop()


def _conditions(plan: Plan, target: Target) -> Conditions:
    needs_cpu = any(SCENARIOS[name].work_kind == "cpu" for name in plan.scenarios)
    return Conditions(
        open=target.open,
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
    if played.requests is None or cell.status == "rejected":
        return f"{where} · {cell.status}: {cell.why}"
    statuses = played.requests["status"]
    served, sent = int((statuses == 200).sum()), len(statuses)
    return f"{where} · {served} of {sent} served in {cell.load_s:.2f} s"
