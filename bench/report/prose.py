"""The sentences around the tables: with what a run was made, how to read it, and what it does not say."""

from collections.abc import Iterator, Mapping
from typing import Final

from bench.analysis.statistics import REPETITIONS_TO_JUDGE
from bench.record.schema import Environment, Layer, Plan, TargetKind, played_as
from bench.report import words
from bench.report.loads import duration
from bench.report.view import View
from bench.scenarios.catalogue import SCENARIOS
from services.common import contract
from services.stacks import STACKS

SHORT_COMMIT: Final = 10
UNSEEN: Final = "PostgreSQL: not looked at"
NOISY: Final = 0.2
"""The share of the machine that nothing of this bench accounts for, above which it is said."""


def environment(view: View) -> tuple[str, ...]:
    """Where and with what."""
    env, asked = view.run.environment, view.run.plan
    elsewhere = (
        f"target {asked.target}: " + ", ".join(f"{name} at {url}" for name, url in asked.urls.items()),
        f"the load came from {_machine(env)}",
    )
    return (
        f"{env.started}, {_commit(env.commit, dirty=env.dirty)}",
        *((_machine(env),) if asked.target == "local" else elsewhere),
        f"PostgreSQL {env.postgres} ({env.database}, max_connections {env.max_connections})"
        if env.database
        else UNSEEN,
        _versions(env.versions),
        *_columns(env),
    )


def environment_short(view: View) -> tuple[str, ...]:
    """The same in few lines: machine, what was played and its versions, when, and how much."""
    env, asked = view.run.environment, view.run.plan
    parts = {
        name
        for service in asked.services
        if (stack := STACKS.get(played_as(service)[0]))
        for name in stack.distributions
    }
    versions = {name: version for name, version in env.versions.items() if name in parts} or env.versions
    database = f"PostgreSQL {env.postgres} ({env.database})" if env.database else UNSEEN
    where = "" if asked.target == "local" else f"target {asked.target}, the load came from "
    commit = _commit(env.commit and env.commit[:SHORT_COMMIT], dirty=env.dirty)
    return (
        f"{where}{_machine(env)}",
        f"{database}, {_versions(versions)}" if versions else database,
        *_columns(env),
        f"{env.started}, {commit}: {_size(asked)}, took {duration(round(view.run.took_s))}",
    )


def _machine(env: Environment) -> str:
    python = env.python if "Python" in env.python else f"Python {env.python}"
    return f"{env.cpu}, {env.cores} cores, {env.memory_gb:.1f} GB, {env.system}, {python}"


def _commit(commit: str | None, *, dirty: bool) -> str:
    return f"commit {commit}{', with changes' if dirty else ''}" if commit else "no commit known"


def _columns(env: Environment) -> Iterator[str]:
    """What was played with other versions."""
    for name, versions in env.columns.items():
        yield f"{name}: {_versions(versions)}, all else the same"


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))


def plan(view: View) -> tuple[str, ...]:
    """What was asked for."""
    asked = view.run.plan
    setting = f"profile {asked.profile}, hold {asked.hold_ms} ms, tuning {asked.tuning}"
    fresh = view.run.environment.fresh_processes
    cells = "each cell in fresh processes" if fresh else "processes not fresh, a new pool for each cell"
    return (
        f"{setting}, tracing {'on' if asked.tracing else 'off'}, seed {asked.seed}",
        f"{_size(asked)}, {cells}; took {duration(round(view.run.took_s))}",
    )


def _size(asked: Plan) -> str:
    scenarios = words.counted(len(asked.scenarios), "scenario")
    services = words.counted(len(asked.services), "service")
    return f"{_repetitions(asked)} {'repetition' if asked.repeat == 1 else 'repetitions'} of {scenarios} on {services}"


def setting(view: View, *, own_hold: bool = False) -> str:
    """What holds for every figure of a run; where scenarios have a hold of their own, it may be said here."""
    asked = view.run.plan
    own = " or a scenario's own" if own_hold and own_holds(view) else ""
    return words.joined(
        f"hold {asked.hold_ms} ms{own}", f"tuning {asked.tuning}", release(asked), place(view), view.judged()
    )


def own_holds(view: View) -> list[str]:
    """The scenarios that are not played with the hold of the run."""
    return [name for name in view.scenarios if name in SCENARIOS and SCENARIOS[name].hold_ms is not None]


def place(view: View) -> str:
    """Where it was measured, unless that was over HTTP in processes of the bench's own."""
    if view.run.plan.layer == "pool":
        return "layer: pool, no HTTP"
    target = view.run.plan.target
    fresh = "" if view.run.environment.fresh_processes else ", processes not fresh"
    return "" if target == "local" else f"target: {target}{fresh}"


def release(plan: Plan, scenario: str | None = None) -> str:
    """How connections are given back in a scenario, or in the whole run; "" for the usual way."""
    known = SCENARIOS.get(scenario or "")
    managed = known is not None and known.path == contract.QUERY_PROPER
    if plan.release == "context-manager" or (managed and plan.release is None):
        return "released by the context manager"
    return "released explicitly" if plan.release and scenario is None else ""


BUSY: Final = (
    "machine busy: other programs used CPU time, or requests were sent late; the figure may be better on a quiet "
    "machine, and is in no comparison"
)


def noise(others: float) -> Iterator[str]:
    """That other programs took this share of the machine, where it is worth saying."""
    if others > NOISY:
        yield f"other programs took up to {others * 100:.0f} % of the machine: end them, and run it again"


def legend(view: View) -> tuple[str, ...]:
    """How to read the tables, and what they do not say."""
    return (*_reading(view), *limits(view))


def _reading(view: View) -> Iterator[str]:
    for service in view.services:
        own = view.own(service)
        if whole := words.whole(own, view.run.plan.layer, view.run.stacks):
            yield f"{view.stack(service)}: {whole}."
    yield (
        "forecast: a first-come, first-served pool that costs nothing. goodput ÷ (c/h): requests served per "
        "second over what c connections held for h can serve, while all of them are busy by forecast."
    )
    yield (
        "all: a request that was not served counts as infinitely slow, and a quantile that falls on one reads “> "
        "timeout” with the share rejected, or “none” with the share failed; served: the 200s alone."
    )
    if any(SCENARIOS[name].family in ("overload", "fairness") for name in view.scenarios if name in SCENARIOS):
        yield (
            "overtook another: got a connection before a request that had certainly asked earlier. from first come "
            "first served: how far waits are from those of a pool that hands out the same connections at the same "
            "moments in order of asking. Jain's index: 1 where all users were served alike, 1/n where only one was."
        )
    if any(SCENARIOS[name].family == "outage" for name in view.scenarios if name in SCENARIOS):
        yield (
            "all served again: from the end of the outage to the last request that was planned after it and not "
            "served. c backends again: to the first sample in which PostgreSQL has all of them again. No forecast: "
            "what a library does with a connection that was cut follows from no arithmetic."
        )
    if view.run.plan.layer == "http":
        yield "server queue: the client's time less the handler's, mostly the queue in front of the framework."
    if any(cell.repetitions >= 2 for cell in view.summary.cells):
        yield (
            "1.23 (1.20–1.26): the median over the repetitions and its 95 % interval; [1.20–1.26]: under five "
            "repetitions, their lowest and highest. A figure alone did not vary."
        )


def limits(view: View) -> Iterator[str]:
    """What the tables do not say."""
    asked = view.run.plan
    yield _column(asked.layer)
    if view.run.environment.columns:
        yield "Columns of one stack differ in the versions that they name, and in what came with these."
    yield f"Fewer than {REPETITIONS_TO_JUDGE} repetitions judge nothing; this run has {_repetitions(asked)}."
    place = "," if asked.target == "local" else f", or in another place than {asked.target},"
    yield (
        f"Runs with another hold than {asked.hold_ms} ms, or another tuning than {asked.tuning}{place} cannot be "
        "set beside this one."
    )
    yield _shared(asked.target, asked.layer)


def _repetitions(asked: Plan) -> str:
    return f"up to {asked.repeat}" if asked.half_width else str(asked.repeat)


def _column(layer: Layer) -> str:
    if layer == "pool":
        return (
            "A column is a pool with its driver and its concurrency model, without framework, server and HTTP; a "
            "request is a task or a thread of the same process, whose CPU time is the pool's own."
        )
    return "A column is a stack, never a library: pool, driver, framework, server and concurrency model differ at once."


def _shared(target: TargetKind, layer: Layer) -> str:
    """What the parts have in common, and what lies between them."""
    if layer == "pool":
        return (
            "Pool and database share one machine and its loopback: no network lies between them, and what is bound "
            "by the CPU says nothing of a pool."
        )
    if target == "compose":
        return (
            "Generator, containers and database share one machine: every request passes the containers' network, "
            "their limits hold, and what is bound by the CPU says nothing of a pool."
        )
    if target == "remote":
        return (
            "The services ran elsewhere: what lies between the generator and them is in every latency, and before "
            "the app; what else went on there is not known here."
        )
    return (
        "Generator, service and database share one machine and its loopback: no network lies between them, "
        "and what is bound by the CPU says nothing of a pool."
    )
