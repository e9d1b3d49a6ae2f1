"""The verdict of one audit check, and the figures that it rests on."""

from collections.abc import Sequence

from bench.record.schema import AuditCheck


def settle(name: str, problems: Sequence[str], figures: str) -> AuditCheck:
    """Passed with its figures, or failed with every problem."""
    if problems:
        return AuditCheck(name=name, verdict="failed", detail="; ".join(problems))
    return AuditCheck(name=name, verdict="passed", detail=figures)


def noted(name: str, detail: str) -> AuditCheck:
    return AuditCheck(name=name, verdict="noted", detail=detail)


def not_checked(name: str, why: str) -> AuditCheck:
    return AuditCheck(name=name, verdict="not checked", detail=why)
