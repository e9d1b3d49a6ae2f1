"""A cell that was played, as its audit leaves it; and what the sampler costs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bench.analysis.audit import audit, rejection
from bench.analysis.cells import cell_metrics
from bench.analysis.statistics import REPETITIONS_TO_JUDGE
from bench.metrics.model import Metrics
from bench.record.readings import SamplerEffect
from bench.record.schema import Cell, Plan
from bench.run.cell import Played
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.profiles import PROFILES
from services.workload.loads import Burst

WITHOUT_EFFECT: Final = ("smoke",)
"""Profiles that have no time for a cell more."""


def judging(plan: Plan) -> bool:
    """Whether a disturbed machine spoils a cell: in the profiles that say so, and wherever there are repetitions enough
    for a verdict."""
    return PROFILES[plan.profile].judging or plan.repeat >= REPETITIONS_TO_JUDGE


def audited(played: Played, plan: Plan, cores: int) -> Played:
    """With its findings. A cell that failed or was not played has none."""
    cell = played.cell
    if cell.status != "ok" or played.requests is None or played.samples is None:
        return played
    findings = audit(cell, played.requests, played.samples, played.events, cores)
    why = rejection(findings, judging=judging(plan))
    return replace(played, cell=replace(cell, audit=findings, status="rejected" if why else "ok", why=why))


def to_repeat(cells: Sequence[Cell], plan: Plan) -> Cell | None:
    """The cell that is played once more without the sampler: in the last repetition, on the first service, the first
    burst of exhaustion that fills all its batches, so that goodput has one value by forecast. None where there is
    none."""
    if plan.profile in WITHOUT_EFFECT:
        return None
    last = [cell for cell in cells if (cell.repetition, cell.service) == (plan.repeat - 1, plan.services[0])]
    for cell in last:
        scenario = SCENARIOS[cell.scenario]
        burst = scenario.load.requests if isinstance(scenario.load, Burst) else 0
        full = burst > scenario.pool_size and burst % scenario.pool_size == 0
        if scenario.family == "exhaustion" and full:
            return cell
    return None


def effect(with_sampler: Played, without: Played) -> SamplerEffect | None:
    """The two side by side; None where one of them failed."""
    cell = with_sampler.cell
    primary = SCENARIOS[cell.scenario].primary
    one, other = _metrics(with_sampler), _metrics(without)
    if one is None or other is None:
        return None
    return SamplerEffect(
        scenario=cell.scenario,
        service=cell.service,
        repetition=cell.repetition,
        primary=primary,
        primary_with=one[primary],
        primary_without=other[primary],
        goodput_with_per_s=one["goodput_per_s"],
        goodput_without_per_s=other["goodput_per_s"],
    )


def _metrics(played: Played) -> Metrics | None:
    if played.cell.status not in ("ok", "rejected") or played.requests is None or played.samples is None:
        return None
    return cell_metrics(played.cell, played.requests, played.samples, played.events)
