"""The scenarios as readers meet them: docs/scenarios.md, made from the catalogue."""

from collections.abc import Mapping

from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.profiles import PROFILES
from bench.scenarios.words import load_text, settings_text
from generate.markdown import table


def tables() -> Mapping[str, str]:
    """A table for each family, and one of the profiles."""
    families = dict.fromkeys(scenario.family for scenario in SCENARIOS.values())
    return {family: _family(family) for family in families} | {"profiles": _profiles()}


def _family(family: str) -> str:
    rows = (
        (f"`{each.name}`", each.question, load_text(each.load), settings_text(each), f"`{each.primary}`")
        for each in SCENARIOS.values()
        if each.family == family
    )
    return table(("scenario", "question", "load", "settings", "judged by"), rows)


def _profiles() -> str:
    rows = (
        (f"`{each.name}`", each.text, f"{each.hold_ms} ms", str(each.repeat), str(len(each.scenarios)))
        for each in PROFILES.values()
    )
    return table(("profile", "what for", "hold", "repetitions", "scenarios"), rows)
