"""What the repetitions of each cell say together: of each metric the median, its interval and its spread."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping

from bench.analysis.audit import disturbed
from bench.analysis.cells import cell_metrics
from bench.analysis.claims import with_claims
from bench.analysis.comparison import compare
from bench.analysis.statistics import median, median_interval, spread
from bench.metrics.model import Metrics
from bench.metrics.registry import METRICS
from bench.record.columns import CellRows
from bench.record.rows import Key
from bench.record.schema import SCHEMA, Cell, Run
from bench.record.summary import CellSummary, Figure, Summary


def measure(rows: Iterable[CellRows], cores: int | None) -> dict[Key, Metrics]:
    """The metrics of every cell that was played to its end and passed its audit, or was only disturbed, by its key.

    The cells are asked for one after another, and only what is said of one is kept: of a run that is read cell by cell,
    no more than one is ever in memory. `cores` are those of the machine that measured.
    """
    shown = (each for each in rows if each.cell.status == "ok" or disturbed(each.cell))
    return {each.cell.key: cell_metrics(*each, cores) for each in shown}


def counting(run: Run, metrics: Mapping[Key, Metrics]) -> dict[Key, Metrics]:
    """Without those of rejected cells, which are in no interval and no verdict."""
    rejected = {cell.key for cell in run.cells if cell.status == "rejected"}
    return {key: values for key, values in metrics.items() if key not in rejected}


def summarise(run: Run, metrics: Mapping[Key, Metrics]) -> Summary:
    """`summary.json` of a run, from the metrics of its cells."""
    clean, marked = counting(run, metrics), {cell.key for cell in disturbed_alone(run)}
    return Summary(
        schema=SCHEMA,
        cells=tuple(_cells(run, clean, _figure)),
        comparisons=with_claims(run.plan, compare(run.plan.scenarios, run.plan.services, clean, run.plan.layer)),
        disturbed=tuple(_cells(run, {key: metrics[key] for key in metrics if key in marked}, _figure_alone)),
    )


def disturbed_alone(run: Run) -> tuple[Cell, ...]:
    """The cells that were rejected because the machine was busy, of a scenario and service that has no other figures:
    they are shown with a mark, and are in no verdict and no interval."""
    clean = {cell.key[:2] for cell in run.cells if cell.status == "ok"}
    return tuple(
        cell for cell in run.cells if cell.status == "rejected" and disturbed(cell) and cell.key[:2] not in clean
    )


def spreads(run: Run, metrics: Mapping[Key, Metrics]) -> dict[tuple[str, str], dict[str, tuple[float, float]]]:
    """(scenario, service) → metric → its lowest and highest; `math.inf` for what never came."""
    found: dict[tuple[str, str], dict[str, tuple[float, float]]] = {}
    for pair, repetitions in _repetitions(run, counting(run, metrics)):
        named = {name: spread(_known(name, [each[name] for each in repetitions])) for name in repetitions[0]}
        found[pair] = {name: ends for name, ends in named.items() if ends is not None}
    return found


def left_out(run: Run) -> tuple[Cell, ...]:
    """The cells that failed, or were rejected by their audit, and so are in no figure, marked or not."""
    shown = disturbed_alone(run)
    return tuple(cell for cell in run.cells if cell.status in ("failed", "rejected") and cell not in shown)


def skipped(run: Run) -> tuple[Cell, ...]:
    """The cells that the target could not be asked for."""
    return tuple(cell for cell in run.cells if cell.status == "skipped")


def _repetitions(run: Run, metrics: Mapping[Key, Metrics]) -> Iterator[tuple[tuple[str, str], list[Metrics]]]:
    """(scenario, service) in the order of the plan, each with the metrics of its repetitions."""
    grouped: dict[tuple[str, str], list[Metrics]] = {
        (scenario, service): [] for scenario in run.plan.scenarios for service in run.plan.services
    }
    for key, values in sorted(metrics.items(), key=lambda item: item[0][2]):
        grouped.setdefault(key[:2], []).append(values)
    return ((pair, values) for pair, values in grouped.items() if values)


def _cells(
    run: Run, metrics: Mapping[Key, Metrics], figure: Callable[[str, list[float | None]], Figure]
) -> Iterator[CellSummary]:
    for (scenario, service), repetitions in _repetitions(run, metrics):
        figures = {name: figure(name, [each[name] for each in repetitions]) for name in repetitions[0]}
        yield CellSummary(scenario=scenario, service=service, repetitions=len(repetitions), metrics=figures)


def _figure_alone(name: str, values: list[float | None]) -> Figure:
    return Figure(value=_said(median(_known(name, values))))


def _figure(name: str, values: list[float | None]) -> Figure:
    known = _known(name, values)
    low, high = median_interval(known) or (None, None)
    return Figure(value=_said(median(known)), low=_said(low), high=_said(high))


def _known(name: str, values: list[float | None]) -> list[float]:
    """Where None means that it lay beyond the load's end, as infinity; else without it."""
    found = (METRICS[name].measured(value) for value in values)
    return [value for value in found if value is not None]


def _said(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
