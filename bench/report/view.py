"""A run as its tables ask for it: by scenario, service and metric."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from bench.analysis.audit import disturbed
from bench.analysis.cpu import cpu_shares
from bench.analysis.forecast import expected
from bench.analysis.stability import half_width_of
from bench.analysis.statistics import REPETITIONS_TO_JUDGE, median
from bench.analysis.summary import spreads, summarise
from bench.metrics.model import NOT_SERVED, Metrics
from bench.metrics.registry import METRICS
from bench.record.rows import Key
from bench.record.schema import Cell, Run
from bench.record.summary import CellSummary, Figure, Summary
from bench.report import words
from bench.report.numbers import decimals_of, figure, missing

Pair = tuple[str, str]
"""Scenario and service."""
Ends = tuple[float, float]

NOT_RUN: Final = "not run"
FAILED: Final = "failed"
REJECTED: Final = "rejected"
SKIPPED: Final = "skipped"
NONE: Final = "none"
"""In place of a wait that no timeout ended: the requests failed."""
BUSY: Final = "machine busy"
"""At the head of figures of which every repetition was disturbed."""


def view_of(run: Run, metrics: Mapping[Key, Metrics]) -> "View":
    """A run, from the metrics of its cells."""
    return View(run, summarise(run, metrics), spreads(run, metrics))


class View:
    """A run as its tables need it. `spreads` are shown where a figure has no interval."""

    def __init__(self, run: Run, summary: Summary, spreads: Mapping[Pair, Mapping[str, Ends]]) -> None:
        self.run = run
        self.summary = summary
        self.services = run.plan.services
        self.scenarios = tuple(name for name in run.plan.scenarios if any(self.cells(name)))
        self._spreads = spreads
        self._shown = (*summary.cells, *summary.disturbed)
        self._summaries = {(cell.scenario, cell.service): cell for cell in self._shown}
        self._disturbed = {(cell.scenario, cell.service) for cell in summary.disturbed}
        played = [cell for cell in run.cells if cell.status == "ok" or cell.key[:2] in self._disturbed]
        shares = [(cell, cpu_shares(cell, run.environment.cores)) for cell in played]
        self._bound = Counter(cell.key[:2] for cell, share in shares if share["cpu_bound"])
        self._busy = Counter(cell.key[:2] for cell, share in shares if share["machine_busy"] or disturbed(cell))

    def stack(self, service: str) -> str:
        """What its column is called: on the pool alone, without framework and server."""
        return words.stack(service, self.run.plan.layer, self.run.stacks)

    def cells(self, scenario: str) -> Iterator[Cell]:
        return (cell for cell in self.run.cells if cell.scenario == scenario)

    def kind(self, scenario: str) -> str:
        """The kind of its load: sequential, burst, closed or open."""
        return next(self.cells(scenario)).load.kind

    def sent(self, scenario: str) -> float | None:
        """How many requests every stack was sent; None if that differed."""
        found = self._all_sent(scenario)
        return found.pop() if len(found) == 1 else None

    def fewest_sent(self, scenario: str) -> float:
        return min(self._all_sent(scenario), default=0.0)

    def expected(self, scenario: str) -> dict[str, float]:
        """What is forecast alike for every stack, with the hold as asked for; over repetitions, whose arrivals differ,
        the median. A library that hands out more connections as shipped has its own."""
        first, *others = [self.foretold(scenario, service) for service in self._asked(scenario)]
        return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}

    def _asked(self, scenario: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(cell.service for cell in self.cells(scenario)))

    def foretold_half_width(self, scenario: str, service: str, name: str) -> float:
        """How far the forecast's own interval over the repetitions reaches, as a share of its median; 0 where it does
        not vary, or is not a number in each of them."""
        said = [each.get(name, math.inf) for each in self._foretold_each(scenario, service)]
        return half_width_of(said) if all(map(math.isfinite, said)) else 0.0

    def foretold(self, scenario: str, service: str) -> dict[str, float]:
        """What is forecast for one stack, with the hold as asked for; over repetitions, the median."""
        said = self._foretold_each(scenario, service)
        found = {name: median(each[name] for each in said) for name in said[0] if all(name in each for each in said)}
        return {name: value for name, value in found.items() if value is not None}

    def _foretold_each(self, scenario: str, service: str) -> list[dict[str, float]]:
        cells = [cell for cell in self.cells(scenario) if cell.service == service]
        # Nothing is simulated for what was not played.
        cells = [cell for cell in cells if cell.status in ("ok", "rejected")] or cells
        return [expected(cell, cell.ideal) for cell in cells]

    def bound(self, scenario: str, service: str) -> str:
        """In how many of its repetitions a cell was bound by the CPU, "" if in none."""
        return self._in_how_many(self._bound, scenario, service)

    def busy(self, scenario: str, service: str) -> str:
        """In how many of its repetitions the machine was busy with other programs, "" if in none."""
        return self._in_how_many(self._busy, scenario, service)

    def _in_how_many(self, counts: Mapping[Pair, int], scenario: str, service: str) -> str:
        cell, count = self._summaries.get((scenario, service)), counts.get((scenario, service))
        if cell is None or not count:
            return ""
        return "yes" if count >= cell.repetitions else f"{count} of {cell.repetitions}"

    def disturbed(self, scenario: str) -> tuple[str, ...]:
        """The services whose figures there come from disturbed repetitions alone."""
        return tuple(service for service in self.services if (scenario, service) in self._disturbed)

    def others(self, scenario: str | None = None) -> float:
        """The largest share of the machine that other programs had in a cell that they kept busy.

        0 where the service cannot be told from them.
        """
        return max(
            (
                min(1.0, cell.cpu.other / cell.cpu.available)
                for cell in self.run.cells
                if cell.cpu and cell.cpu.service is not None
                if scenario in (None, cell.scenario) and self._busy[cell.key[:2]]
            ),
            default=0.0,
        )

    def row(
        self, scenario: str, name: str, services: Sequence[str] | None = None, *, alone: bool = False
    ) -> tuple[str, ...]:
        """A metric of every service (or of these) as text, the medians `alone` or with their intervals; "" where there
        are no figures at all."""
        cells = [
            self._summaries.get((scenario, service)) for service in (self.services if services is None else services)
        ]
        known = [cell.metrics[name].value for cell in cells if cell is not None]
        decimals = decimals_of(name, (value for value in known if value is not None))
        return tuple(self._said(cell, name, decimals, alone=alone) if cell is not None else "" for cell in cells)

    def value(self, scenario: str, service: str, name: str) -> float | None:
        """A metric's median over the repetitions; None where there is none."""
        cell = self._summaries.get((scenario, service))
        return cell.metrics[name].value if cell else None

    def has(self, scenario: str, service: str) -> bool:
        """Whether it has figures, marked or not."""
        return (scenario, service) in self._summaries

    def absent(self, scenario: str, service: str) -> str:
        """Why a service has no figures that count: it failed, was disturbed, rejected or skipped, or was not run yet;
        "" if it has."""
        if (scenario, service) in self._disturbed:
            return BUSY
        if (scenario, service) in self._summaries:
            return ""
        ended = {cell.status for cell in self.cells(scenario) if cell.service == service}
        return next((status for status in (FAILED, REJECTED, SKIPPED) if status in ended), NOT_RUN)

    def own(self, service: str) -> str:
        """What a service calls itself, whatever the run calls it; its name in the run where it never said."""
        said = (cell.settings.get("service") for cell in self.run.cells if cell.service == service and cell.settings)
        return str(next(said, None) or service)

    def _said(self, cell: CellSummary, name: str, decimals: int, *, alone: bool) -> str:
        found = cell.metrics[name]
        if found.value is None:
            return _not_served(cell) if METRICS[name].beyond == NOT_SERVED else missing(name)
        if alone:
            return figure(Figure(value=found.value), decimals)
        ends = self._spreads.get((cell.scenario, cell.service), {}).get(name) if cell.repetitions > 1 else None
        return figure(found, decimals, ends)

    def _all_sent(self, scenario: str) -> set[float]:
        return {cell.metrics["sent"].value or 0.0 for cell in self._shown if cell.scenario == scenario}

    def label(self, scenario: str, name: str, short: bool = False) -> str:
        sent = self.sent(scenario)
        label = METRICS[name].short_title if short else METRICS[name].title
        return f"{label} (of {sent:.0f})" if name == "ok" and sent is not None else label

    def judged(self, scenario: str | None = None) -> str:
        """How many repetitions the figures come from (of one scenario, or of the run), and whether these judge."""
        counts = [cell.repetitions for cell in self._shown if scenario in (None, cell.scenario)]
        least, most = min(counts, default=0), max(counts, default=0)
        repetitions = words.counted(most, "repetition") if least == most else f"{least} to {most} repetitions"
        marked = any(scenario in (None, name) for name, _ in self._disturbed)
        enough = least if scenario else most  # a run as a whole judges where some of its scenarios do
        return f"{repetitions}: not judged" if enough < REPETITIONS_TO_JUDGE or (marked and scenario) else repetitions


def _not_served(cell: CellSummary) -> str:
    """A wait or a latency that falls on a request not served: `> timeout (4 % rejected)`, or `none` where all of those
    failed otherwise; a dash where all were served, so that it is not known."""
    sent = cell.metrics["sent"].value or math.inf
    shares = {
        said: (cell.metrics[name].value or 0) / sent for name, said in (("timed_out", "rejected"), ("failed", "failed"))
    }
    told = ", ".join(f"{words.share(share)} {said}" for said, share in shares.items() if share)
    if not told:
        return words.UNKNOWN
    return f"{NOT_SERVED if shares['rejected'] else NONE} ({told})"
