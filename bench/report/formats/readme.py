"""The results that the README shows: four small tables that fit a phone, medians alone, and where they come from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tabulate import tabulate

from bench.analysis.judged_by import primary_of
from bench.report import words
from bench.report.numbers import decimals_of, missing, number
from bench.report.verdicts import best
from bench.report.view import View


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row: a scenario and a metric, and what a reader calls them."""

    scenario: str
    metric: str
    label: str


TABLES: Final[Mapping[str, Sequence[Line]]] = MappingProxyType(
    {
        "Exhaustion": (
            Line(scenario="burst-10", metric="latency_ms_p99_all", label="10 at once: slowest, ms"),
            Line(scenario="burst-50", metric="ok", label="50 at once: served"),
            Line(scenario="burst-timeout", metric="ok", label="100 at once: served"),
            Line(scenario="fix-shorter-hold", metric="ok", label="… a fifth of the hold"),
            Line(scenario="fix-larger-pool", metric="ok", label="… 20 connections"),
            Line(scenario="burst-timeout-cpu", metric="ok", label="100, database busy: served"),
            Line(scenario="burst-timeout-cpu", metric="goodput_per_s", label="… served per second"),
            Line(scenario="fix-larger-pool-cpu", metric="ok", label="… 20 connections: served"),
            Line(scenario="fix-larger-pool-cpu", metric="goodput_per_s", label="… served per second"),
        ),
        "Leaks": (
            Line(scenario="leak-kept", metric="ok", label="5 of 5 leak, kept: served of 150"),
            Line(scenario="leak-dropped", metric="ok", label="references dropped: served"),
            Line(scenario="leak-dropped", metric="recovered_s", label="… recovers after, s"),
            Line(scenario="leak-dropped", metric="backends_last", label="… backends at the end"),
            Line(scenario="leak-exception", metric="ok", label="exception before release: served"),
        ),
        "Outages": (
            Line(scenario="outage-killed", metric="ok", label="all connections cut: served of 100"),
            Line(scenario="outage-killed", metric="backends_again_s", label="… 5 backends again after, s"),
            Line(scenario="outage-frozen", metric="ok", label="frozen for 1.5 s: served of 100"),
        ),
        "Fairness": (
            Line(scenario="tight-loop", metric="longest_wait_ms", label="50 users, tight loop: longest wait, ms"),
            Line(scenario="tight-loop", metric="overtaken", label="… were overtaken, of 445"),
            Line(scenario="several-short", metric="longest_wait_ms", label="5 checkouts a request: longest wait, ms"),
            Line(scenario="several-short", metric="timed_out", label="… rejected"),
        ),
    }
)


def report(view: View) -> str:
    """The tables that the run has something for, and a line that says where they come from."""
    parts = []
    for title, lines in TABLES.items():
        rows = [row for line in lines if line.scenario in view.scenarios and (row := _row(view, line))]
        if rows:
            headers = ("", "forecast", *(words.brief(view.stack(service)) for service in view.services))
            aligned = ("left", *("right",) * (len(headers) - 1))
            body = tabulate(rows, headers, tablefmt="pipe", colalign=aligned, disable_numparse=True)
            parts.append(f"**{title}**\n\n{body}")
    return "\n\n".join((*parts, _origin(view)))


def _row(view: View, line: Line) -> tuple[str, ...]:
    values = [view.value(line.scenario, service, line.metric) for service in view.services]
    expected = view.expected(line.scenario).get(line.metric)
    decimals = decimals_of(line.metric, [value for value in values if value is not None])
    better = _better(view, line)
    figures = [
        _figure(view, line, service, value, decimals, bold=service in better)
        for service, value in zip(view.services, values, strict=True)
    ]
    forecast = "" if expected is None or math.isinf(expected) else number(expected, decimals)
    return line.label, forecast, *figures


def _figure(view: View, line: Line, service: str, value: float | None, decimals: int, *, bold: bool) -> str:
    if value is None:
        return view.absent(line.scenario, service) or missing(line.metric)
    text = number(value, decimals)
    mark = "\\*" if view.bound(line.scenario, service) else " †" if view.busy(line.scenario, service) else ""
    return (f"**{text}**" if bold else text) + mark


def _better(view: View, line: Line) -> tuple[str, ...]:
    """The services that are better than another there, and worse than none, on the line that was judged."""
    found = [each for each in view.summary.comparisons if each.scenario == line.scenario and each.better]
    judged = line.metric == primary_of(line.scenario) or any(each.metric == line.metric for each in found)
    return best(found) if judged else ()


def _origin(view: View) -> str:
    env, plan = view.run.environment, view.run.plan
    bound = any(view.bound(name, service) for name in view.scenarios for service in view.services)
    notes = [
        f"Medians of {words.counted(plan.repeat, 'repetition')}, hold {plan.hold_ms} ms, tuning {plan.tuning}",
        f"PostgreSQL {env.postgres}, {env.cores} cores, {env.started[:10]}",
    ]
    said = ", ".join(notes) + ". **Bold**: better than another stack and worse than none, by the run's verdicts."
    busy = any(view.busy(name, service) for name in view.scenarios for service in view.services)
    return (
        said
        + (" \\* bound by the CPU: says nothing about a pool." if bound else "")
        + (" † other programs kept the machine busy." if busy else "")
    )
