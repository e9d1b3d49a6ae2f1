"""How a check of the audit says what it found."""

from collections.abc import Sequence

from bench.record.schema import Finding


def settle(name: str, problems: Sequence[str], figures: str) -> Finding:
    """Passed with its figures, or failed with every problem."""
    if problems:
        return Finding(name=name, verdict="failed", detail="; ".join(problems))
    return Finding(name=name, verdict="passed", detail=figures)


def noted(name: str, detail: str) -> Finding:
    return Finding(name=name, verdict="noted", detail=detail)


def not_checked(name: str, why: str) -> Finding:
    return Finding(name=name, verdict="not checked", detail=why)
