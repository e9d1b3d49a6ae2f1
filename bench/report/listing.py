"""Tables of what there is, and of what a check found."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from tabulate import tabulate

from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.profiles import PROFILES
from bench.scenarios.words import load_text, settings_text
from services.stacks import STACKS

if TYPE_CHECKING:
    from bench.check import Report


def listing() -> str:
    """Scenarios, profiles and services, as `bench list` prints them."""
    scenarios = [(s.name, load_text(s.load), settings_text(s), s.question) for s in SCENARIOS.values()]
    profiles = [(p.name, f"{p.hold_ms} ms", p.repeat, len(p.scenarios), p.text) for p in PROFILES.values()]
    services = [(stack.name, stack.port, stack.text) for stack in STACKS.values()]
    widths = [None, 26, 24, 44]
    return "\n\n".join(
        (
            "Scenarios (times in holds, h)\n"
            + tabulate(scenarios, ("name", "load", "settings", "question"), maxcolwidths=widths),
            "Profiles\n" + tabulate(profiles, ("name", "hold h", "repetitions", "scenarios", "what for")),
            "Services\n" + tabulate(services, ("name", "port in the lab", "what it is made of")),
        )
    )


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
        {"name": stack.name, "label": stack.label, "port": stack.port, "text": stack.text} for stack in STACKS.values()
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


def check_table(report: "Report") -> str:
    """One line a check; what failed says what was found."""
    rows = [(result.verdict, result.name, result.detail) for result in report.results]
    failed = sum(result.verdict == "failed" for result in report.results)
    verdict = "keeps the contract" if not failed else f"breaks the contract in {failed} of {len(rows)} checks"
    table = tabulate(rows, tablefmt="plain", maxcolwidths=[None, None, 100])
    return f"{report.service}: {verdict} ({report.seconds:.1f} s)\n{table}\n"
