"""Tables of what there is, and of what a check found."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from bench.report.formats.fitting import fitted
from bench.report.screen import MOST_PROSE, PIPE, Screen
from bench.report.table import Table
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.profiles import PROFILES
from bench.scenarios.words import load_text, settings_text
from services.stacks import STACKS

STACK: Final = ("name", "pool, driver", "front, server, concurrency", "port")

if TYPE_CHECKING:
    from bench.check import Report


def listing(screen: Screen = PIPE) -> str:
    """Scenarios, profiles and stacks, as `bench list` prints them."""
    scenarios = [(s.name, f"{s.question}\n{load_text(s.load)}, {settings_text(s)}") for s in SCENARIOS.values()]
    profiles = [(p.name, f"{p.hold_ms} ms", str(p.repeat), str(len(p.scenarios)), p.text) for p in PROFILES.values()]
    tables = (
        ("Scenarios", ("name", "question, load and settings (times in holds, h)"), scenarios),
        ("Profiles", ("name", "hold h", "repetitions", "scenarios", "what for"), profiles),
        ("Stacks", STACK, _stacks(more=False)),
        ("More stacks (-s NAME, or --stacks all)", STACK, _stacks(more=True)),
    )
    return "\n\n".join(_titled(title, headers, rows, screen) for title, headers, rows in tables if rows)


def _stacks(*, more: bool) -> list[tuple[str, ...]]:
    return [
        (
            stack.name,
            f"{stack.pool},\n{stack.driver}",
            f"{stack.front}, {stack.server},\n{stack.concurrency}",
            str(stack.port),
        )
        for stack in STACKS.values()
        if stack.more is more
    ]


def _titled(title: str, headers: tuple[str, ...], rows: Sequence[tuple[str, ...]], screen: Screen) -> str:
    table = Table(title=title, headers=headers, rows=tuple(rows))
    return f"{screen.heading(title)}\n{fitted(table, min(screen.width, MOST_PROSE))}"


def as_json() -> str:
    """The same for programs."""
    scenarios = [
        {
            "name": each.name,
            "family": each.family,
            "question": each.question,
            "load": load_text(each.load),
            "settings": settings_text(each),
            "primary": each.primary,
            "profiles": [profile.name for profile in PROFILES.values() if each.name in profile.scenarios],
        }
        for each in SCENARIOS.values()
    ]
    services = [
        {
            "name": stack.name,
            "label": stack.label,
            "port": stack.port,
            "text": stack.text,
            "pool": stack.pool_class,
            "driver": stack.driver,
            "front": stack.front,
            "server": stack.server,
            "concurrency": stack.concurrency,
            "usual": not stack.more,
        }
        for stack in STACKS.values()
    ]
    profiles = [asdict(profile) for profile in PROFILES.values()]
    return json.dumps({"scenarios": scenarios, "profiles": profiles, "services": services}, indent=1)


def check_json(reports: "Mapping[str, Report | str]") -> str:
    """Each service with its checks; one that could not be checked has none, and says why in `refused`."""
    return json.dumps([_checked(service, report) for service, report in reports.items()], indent=1)


def _checked(service: str, report: "Report | str") -> dict[str, object]:
    if isinstance(report, str):
        return {"service": service, "passed": False, "refused": report, "seconds": 0.0, "checks": []}
    checks = [asdict(result) for result in report.results]
    return {"service": service, "passed": report.passed, "refused": None, "seconds": report.seconds, "checks": checks}


def check_table(report: "Report", screen: Screen = PIPE) -> str:
    """One line a check; what failed says what was found."""
    failed = len(report.failed)
    verdict = "keeps the contract" if not failed else f"breaks the contract in {failed} of {len(report.results)} checks"
    rows = tuple((result.verdict, result.name, result.detail) for result in report.results)
    table = Table(title="", headers=("verdict", "check", "what was seen"), rows=rows)
    body = fitted(table, screen.width, lambda cell: screen.styled(cell, "red") if cell == "failed" else cell)
    return f"{screen.heading(report.service)}: {verdict} ({report.seconds:.1f} s)\n\n{body}\n"
