"""What the audits of a run say: a table of checks and stacks, and a line for each thing that is worth knowing."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from bench.analysis.audit import CHECKS
from bench.metrics.registry import METRICS
from bench.record.schema import AuditCheck, Cell
from bench.report import words
from bench.report.table import Table
from bench.report.view import View

Told = tuple[Cell, AuditCheck]
SAID: Final = ("passed", "noted", "failed", "not checked")
TITLE: Final = "Audit"


def audit_table(view: View) -> Table | None:
    """How the cells' audits ended, and what is worth knowing of them; None for a run without audits."""
    rows = table_rows(view)
    if not rows:
        return None
    return Table(
        title=TITLE,
        about=summary(view),
        headers=("check", *map(view.stack, view.services)),
        rows=rows,
        notes=details(view),
    )


def table_rows(view: View) -> tuple[tuple[str, ...], ...]:
    """A row for each check, a column for each stack: in how many cells it ended how."""
    counts: Counter[tuple[str, str, str]] = Counter(
        (check.name, cell.service, check.verdict) for cell, check in _told(view.run.cells)
    )
    return tuple(
        (name, *(_counted(counts, name, service) for service in view.services))
        for name in _names(view)
        if any(counts[name, service, verdict] for service in view.services for verdict in SAID)
    )


def summary(view: View) -> str:
    """All of it in one line; "" where nothing was audited."""
    cells = [cell for cell in view.run.cells if cell.audit]
    if not cells:
        return ""
    told = [check.verdict for cell in cells for check in cell.audit]
    parts = [f"{told.count(verdict)} {verdict}" for verdict in SAID if verdict in told]
    return f"{words.counted(len(cells), 'cell')}, {words.counted(len(told), 'check')}: {', '.join(parts)}"


def counted(cells: Sequence[Cell]) -> str:
    """`98 passed, 2 not checked`: how the checks of these cells ended; "" where there are none."""
    told = Counter(check.verdict for cell in cells for check in cell.audit)
    return ", ".join(f"{told[verdict]} {verdict}" for verdict in SAID if told[verdict])


def details(view: View) -> tuple[str, ...]:
    """What failed and what is noted, once for each check, with the figures of the first cell; what was not checked,
    once for each reason; and what the sampler costs."""
    return (*_worth_knowing(view), *_unchecked(view), *sampler(view))


def sampler(view: View) -> Iterator[str]:
    """What looking on costs: one cell with the sampler, and again without it."""
    found = view.run.sampler_effect
    if found is None:
        return
    # A run that was made before may have been judged by a metric that is none any more.
    shown = METRICS[found.primary].title if found.primary in METRICS else found.primary
    yield (
        f"the sampler ({found.scenario}, {view.stack(found.service)}): "
        f"goodput with {_number(found.goodput_with_per_s)}/s, without {_number(found.goodput_without_per_s)}/s; "
        f"{shown} with {_number(found.primary_with)}, without {_number(found.primary_without)}"
    )


def played_again(view: View, scenario: str | None = None) -> Iterator[str]:
    """Which repetitions of a scenario were played again, how often, and the first reason."""
    reasons: dict[tuple[str, int], list[Cell]] = {}
    for cell in view.run.replaced:
        if cell.status == "rejected" and scenario in (None, cell.scenario):
            reasons.setdefault((cell.scenario, cell.repetition), []).append(cell)
    for (name, repetition), cells in reasons.items():
        times = len({cell.attempt for cell in cells})
        often = f" {times} times, first" if times > 1 else ""
        whose = view.stack(cells[0].service)
        yield f"played again: {name}, repetition {repetition + 1},{often} because of {whose}: {cells[0].why}"


def _told(cells: Sequence[Cell]) -> Iterator[Told]:
    return ((cell, check) for cell in cells for check in cell.audit)


def _names(view: View) -> tuple[str, ...]:
    """The audit's own order, and behind it what another version has found."""
    found = dict.fromkeys(check.name for _, check in _told(view.run.cells))
    return (*CHECKS, *(name for name in found if name not in CHECKS))


def _counted(counts: Counter[tuple[str, str, str]], name: str, service: str) -> str:
    return ", ".join(
        f"{counts[name, service, verdict]} {verdict}" for verdict in SAID if counts[name, service, verdict]
    )


def _worth_knowing(view: View) -> Iterator[str]:
    grouped: dict[tuple[str, str], list[Told]] = {}
    for cell, check in _told(view.run.cells):
        if check.verdict in ("failed", "noted"):
            grouped.setdefault((check.verdict, check.name), []).append((cell, check))
    for (verdict, name), told in sorted(grouped.items()):
        first, check = told[0]
        scenarios = dict.fromkeys(cell.scenario for cell, _ in told)
        first_of = f", first of {len(told)} cells" if len(told) > 1 else ""
        within = f" in {', '.join(scenarios)}" if len(scenarios) > 1 else ""
        where = f"{first.scenario} · {view.stack(first.service)}{first_of}{within}"
        yield f"{verdict}: {name} · {where}: {check.detail}"


def _unchecked(view: View) -> Iterator[str]:
    reasons: dict[tuple[str, str], set[str]] = {}
    for cell, check in _told(view.run.cells):
        if check.verdict == "not checked":
            # The figure in front of a reason is one cell's.
            reasons.setdefault((check.name, check.detail.lstrip("0123456789. ")), set()).add(cell.scenario)
    for (name, why), scenarios in reasons.items():
        where = ", ".join(scenario for scenario in view.scenarios if scenario in scenarios)
        yield f"not checked: {name} ({where}): {why}"


def _number(value: float | None) -> str:
    return words.UNKNOWN if value is None else f"{value:.4g}"
