"""What framework and HTTP add: one scenario after another on the pool alone, over HTTP, and the difference."""

from collections.abc import Iterator
from typing import Final

from bench.analysis.judged_by import primary_of
from bench.errors import UserError
from bench.metrics.registry import METRICS
from bench.record.schema import Environment
from bench.report import words
from bench.report.numbers import decimals_of, expectation, number
from bench.report.table import Table
from bench.report.view import View
from bench.scenarios.catalogue import SCENARIOS

SHOWN: Final = ("latency_ms_p50_all", "acquire_ms_p50_all", "acquire_ms_p99_all", "goodput_per_s")
"""Beside the primary metric of the scenario."""
MACHINE: Final = ("cpu", "cores", "memory_gb", "system", "python", "postgres", "versions")


def layers(one: View, other: View) -> tuple[Table, ...]:
    """A table for each scenario that both runs played, whichever of them is the pool's.

    Raises UserError where they are not the two layers of the same story: what would differ is more than the layer.
    """
    if one.run.plan.layer == other.run.plan.layer:
        both = one.run.plan.layer
        raise UserError(f"both runs are of layer {both}: name one of `bench run --layer pool`, and one over HTTP")
    pool, http = (one, other) if one.run.plan.layer == "pool" else (other, one)
    for name in ("hold_ms", "tuning", "release"):
        mine, theirs = getattr(pool.run.plan, name), getattr(http.run.plan, name)
        if mine != theirs:
            raise UserError(
                f"{name} is {mine} on the pool and {theirs} over HTTP: nothing but the layer may differ, "
                "so run one of them again"
            )
    common = [name for name in pool.scenarios if name in http.scenarios]
    tables = tuple(table for name in common if (table := _table(pool, http, name)).rows)
    if not tables:
        raise UserError("the two runs share no scenario on the same service: run the one with the other's -x and -s")
    return tables


def _table(pool: View, http: View, name: str) -> Table:
    known, plan = SCENARIOS.get(name), pool.run.plan
    services = tuple(service for service in pool.services if service in http.services)
    primary = primary_of(name)
    # Where latency itself is what is compared, once is enough.
    shown = SHOWN[1:] if METRICS[primary].uncorrected else SHOWN
    metrics = dict.fromkeys((primary, *shown))
    return Table(
        title=f"{name}, with and without HTTP",
        question=known.question if known else "",
        about=" · ".join(
            (
                f"hold {next(pool.cells(name)).hold_ms} ms",
                f"tuning {plan.tuning}",
                f"pool alone: {pool.judged(name)}",
                f"over HTTP: {http.judged(name)}",
            )
        ),
        headers=("", "forecast", *map(http.stack, services)),
        rows=tuple(row for metric in metrics for row in _rows(pool, http, name, metric, services)),
        notes=tuple(_notes(pool, http, name)),
    )


def _rows(pool: View, http: View, name: str, metric: str, services: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """A metric on the pool alone, over HTTP, and the second less the first; nothing where one layer has no figures."""
    alone, over = pool.row(name, metric, services), http.row(name, metric, services)
    if not any(alone) or not any(over):
        return
    forecast = expectation(metric, http.expected(name).get(metric))
    label = pool.label(name, metric)
    yield f"{label}, pool alone", forecast, *alone
    yield "… over HTTP", forecast, *over
    yield "… what HTTP adds", "", *(_added(pool, http, name, metric, service) for service in services)


def _added(pool: View, http: View, name: str, metric: str, service: str) -> str:
    alone, over = pool.value(name, service, metric), http.value(name, service, metric)
    if alone is None or over is None:
        return words.UNKNOWN
    decimals = decimals_of(metric, (alone, over))
    added = over - alone
    text = number(abs(added), decimals)
    sign = "" if not float(text) else "+" if added > 0 else "-"
    return f"{sign}{text}"


def _notes(pool: View, http: View, name: str) -> Iterator[str]:
    yield (
        "what HTTP adds: the difference of the medians, without an interval; server, framework, sockets and a "
        "generator of its own are in it; on the pool alone, requests are tasks or threads of the same process"
    )
    both = [
        (view, where, service)
        for view, where in ((pool, "pool alone"), (http, "over HTTP"))
        for service in view.services
    ]
    bound = [f"{view.stack(service)} ({where})" for view, where, service in both if view.bound(name, service)]
    if bound:
        yield f"CPU-bound, and so not about the pool: {', '.join(bound)}"
    busy = [f"{view.stack(service)} ({where})" for view, where, service in both if view.busy(name, service)]
    if busy:
        yield f"machine busy with other programs: {', '.join(busy)}"
    differs = _differs(pool.run.environment, http.run.environment)
    if differs:
        yield f"not the same machine: {', '.join(differs)} differ, and the difference holds that too"


def _differs(one: Environment, other: Environment) -> list[str]:
    return [name.removesuffix("_gb") for name in MACHINE if getattr(one, name) != getattr(other, name)]
