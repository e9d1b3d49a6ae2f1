"""Tables of what there is, and of what a check found."""

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


def check_table(report: "Report") -> str:
    """One line a check; what failed says what was found."""
    rows = [(result.verdict, result.name, result.detail) for result in report.results]
    failed = sum(result.verdict == "failed" for result in report.results)
    verdict = "keeps the contract" if not failed else f"breaks the contract in {failed} of {len(rows)} checks"
    table = tabulate(rows, tablefmt="plain", maxcolwidths=[None, None, 100])
    return f"{report.service}: {verdict} ({report.seconds:.1f} s)\n{table}\n"
