"""What a page says of a run, before a template says how it looks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.metrics.model import Metrics
from bench.metrics.registry import METRICS
from bench.record.columns import CellRows
from bench.record.rows import Key
from bench.record.schema import Cell, played_as
from bench.record.summary import Comparison
from bench.report import audits
from bench.report.charts import Chart, charts
from bench.report.numbers import decimals_of, missing, number
from bench.report.residuals import residual_table
from bench.report.table import Table
from bench.report.tables import scenario_table
from bench.report.verdicts import UNJUDGED, between, clause, clauses, sure, verdict, within
from bench.report.view import View
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.profiles import PROFILES
from services.stacks import STACKS, WITH, usual

Rows = Mapping[str, Sequence[CellRows]]
"""Scenario → its cells that were played, with what they measured."""
OTHER = "other"
"""The family of a scenario that is in no catalogue any more."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One comparison, as a row of the table of verdicts."""

    scenario: str
    family: str
    a: str
    b: str
    figure: str
    verdict: str
    said: str
    """How far apart, or why it is not judged."""
    finds: str
    false: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """A scenario with its evidence."""

    name: str
    family: str
    verdicts: tuple[str, ...]
    """The kinds of verdicts that it has, for the filter."""
    table: Table
    clauses: tuple[str, ...]
    charts: tuple[Chart, ...]
    residuals: tuple[tuple[str, str], ...]
    """Stack and how far it came out from its forecast."""
    audit: tuple[tuple[str, str], ...]
    repetitions: tuple[Table, ...]
    """The figures that a verdict rests on, one a repetition."""
    command: str


def findings(view: View) -> tuple[tuple[str, str], ...]:
    """What sets the stacks apart: scenario and clause of each stack that is better, the largest difference first. The
    first clause by a figure has that of every stack."""
    better = [found for found in view.summary.comparisons if found.better]
    better.sort(key=lambda found: (found.scale != "points", -abs(found.percent or 0.0)))
    return tuple(
        (name, said if nth else f"{said}{_measured(view, *figure)}")
        for name in dict.fromkeys(found.scenario for found in better)
        for figure, alike in _by_figure([found for found in better if found.scenario == name]).items()
        for nth, said in enumerate(clauses(alike, view.stack))
    )


def _by_figure(compared: Sequence[Comparison]) -> dict[tuple[str, str], list[Comparison]]:
    """(scenario, metric) → its comparisons; "" for shares, whose clauses have figures already."""
    found = dict[tuple[str, str], list[Comparison]]()
    for each in compared:
        found.setdefault((each.scenario, "" if each.scale == "points" else each.metric), []).append(each)
    return found


def _measured(view: View, scenario: str, metric: str) -> str:
    """`; longest wait of a request (ms): asyncpg + FastAPI 909, psycopg_pool + Flask 459`; "" where there is none."""
    if not metric:
        return ""
    medians = zip(map(view.stack, view.services), view.row(scenario, metric, alone=True), strict=True)
    return f"; {view.label(scenario, metric)}: {', '.join(f'{stack} {text}' for stack, text in medians if text)}"


def pairs(view: View) -> tuple[Pair, ...]:
    """Every comparison."""
    return tuple(
        Pair(
            scenario=found.scenario,
            family=family_of(found.scenario),
            a=found.a,
            b=found.b,
            figure=view.label(found.scenario, found.metric, short=True),
            verdict=found.verdict,
            said=_said(found, view),
            finds=(both := sure([found]))[0],
            false=both[1],
        )
        for found in view.summary.comparisons
    )


def sections(view: View, metrics: Mapping[Key, Metrics], rows: Rows) -> Iterator[Section]:
    """Every scenario of the run, in its order."""
    residuals = {row[0]: row[2:] for row in table.rows} if (table := residual_table(view)) else {}
    for name in view.scenarios:
        compared = [found for found in view.summary.comparisons if found.scenario == name]
        yield Section(
            name=name,
            family=family_of(name),
            verdicts=tuple(dict.fromkeys(found.verdict for found in compared)),
            table=_without_empty(scenario_table(view, name)),
            clauses=verdict(compared, view.stack) if compared else (),
            charts=charts(view, name, rows.get(name, ())),
            residuals=tuple(
                (service, text) for service, text in zip(view.services, residuals.get(name, ()), strict=False) if text
            ),
            audit=tuple(_audited(view, name)),
            repetitions=tuple(_repetitions(view, metrics, compared)),
            command=command(view, name),
        )


def _without_empty(table: Table) -> Table:
    """A table without its forecast where there is none: on a phone that column hides the first stack."""
    if "forecast" not in table.headers or any(row[1] for row in table.rows):
        return table
    cut = [(*row[:1], *row[2:]) for row in (table.headers, *table.rows)]
    return replace(table, headers=cut[0], rows=tuple(cut[1:]))


def command(view: View, scenario: str) -> str:
    """What plays a scenario again as it was played."""
    plan = view.run.plan
    parts = ["bench run", f"-x {scenario}"]
    parts += [f"--profile {plan.profile}"] if plan.profile != "quick" else []
    parts += [f"--layer {plan.layer}"] if plan.layer != "http" else []
    parts += [f"--tuning {plan.tuning}"] if plan.tuning != "equalised" else []
    parts += [f"--release {plan.release}"] if plan.release else []
    profile = PROFILES.get(plan.profile)
    parts += [f"--hold-ms {plan.hold_ms}"] if profile is None or profile.hold_ms != plan.hold_ms else []
    parts += [f"--repeat {plan.repeat}"] if profile is None or profile.repeat != plan.repeat else []
    parts += [f"--seed {plan.seed}"] if plan.seed != 1 else []
    played = {played_as(service)[0] for service in plan.services}
    versions = dict.fromkeys(own for name in plan.services if (own := name.partition(WITH)[2]))
    services = {service for service in plan.services if WITH not in service}
    if len(services) > len(played) == 1:
        parts += [f"--aa {min(played)}"]
        parts += [f"--names {len(plan.services)}"] if len(plan.services) > 2 else []
    elif plan.target == "local" and services == set(STACKS) != {stack.name for stack in usual()}:
        parts += ["--stacks all"]
    elif plan.target == "local" and services != {stack.name for stack in usual()}:
        parts += [f"-s {service}" for service in plan.services if service in STACKS]
    parts += [f"--with {own}" for own in versions]
    return " ".join(parts)


def family_of(scenario: str) -> str:
    known = SCENARIOS.get(scenario)
    return known.family if known else OTHER


def _said(found: Comparison, view: View) -> str:
    if found.verdict in UNJUDGED:
        return found.why
    if found.verdict == "better":
        return clause(found, view.stack)
    if found.verdict == "equivalent":
        return within([found]).strip(" ()")
    return between(found, view.stack(found.a))


def _audited(view: View, scenario: str) -> Iterator[tuple[str, str]]:
    for service in view.services:
        cells = [cell for cell in view.cells(scenario) if cell.service == service]
        yield service, audits.counted(cells) or _statuses(cells)


def _statuses(cells: Sequence[Cell]) -> str:
    return ", ".join(dict.fromkeys(cell.status for cell in cells)) or "not run"


def _repetitions(view: View, metrics: Mapping[Key, Metrics], compared: Sequence[Comparison]) -> Iterator[Table]:
    """A table for each figure that something was judged by."""
    for name in dict.fromkeys(found.metric for found in compared if found.verdict not in UNJUDGED):
        scenario = compared[0].scenario
        played = sorted({key[2] for key in metrics if key[0] == scenario})
        values = {
            service: [
                METRICS[name].measured(cell.get(name)) if (cell := metrics.get((scenario, service, nth))) else None
                for nth in played
            ]
            for service in view.services
        }
        decimals = decimals_of(name, [each for of in values.values() for each in of if each is not None])
        yield Table(
            title=view.label(scenario, name),
            headers=("repetition", *map(view.stack, view.services)),
            rows=tuple(
                (str(nth + 1), *(_figure(name, values[service][row], decimals) for service in view.services))
                for row, nth in enumerate(played)
            ),
        )


def _figure(name: str, value: float | None, decimals: int) -> str:
    if value is None:
        return ""
    return missing(name) if value == float("inf") else number(value, decimals)
