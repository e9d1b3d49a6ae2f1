"""Checks and changes as JUnit XML, which build servers read."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree as ET

from bench.analysis.change import Change
from bench.metrics.registry import METRICS

if TYPE_CHECKING:
    from bench.check import Report

Ended = Literal["passed", "failure", "error", "skipped"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One test case; `text` is its message, or what it printed where it passed."""

    suite: str
    name: str
    ended: Ended
    text: str = ""
    seconds: float = 0.0


def checks(reports: "Mapping[str, Report | str]") -> str:
    """A suite for each service, with its report, or why it could not be checked."""
    return _document("bench check", _checked(reports))


def changes(found: Iterable[Change]) -> str:
    """A suite for each scenario, a case for each service: what is worse failed, what was not judged was skipped."""
    return _document("bench compare", map(_changed, found))


def _checked(reports: "Mapping[str, Report | str]") -> Iterator[Case]:
    ends: dict[str, Ended] = {"passed": "passed", "failed": "failure", "skipped": "skipped"}
    for service, report in reports.items():
        if isinstance(report, str):
            yield Case(suite=service, name="starts", ended="error", text=report)
            continue
        for result in report.results:
            yield Case(
                suite=service,
                name=result.name,
                ended=ends[result.verdict],
                text=result.detail,
                seconds=result.seconds,
            )


def _changed(change: Change) -> Case:
    ends: dict[str, Ended] = {"worse": "failure", "not judged": "skipped"}
    metric = METRICS[change.metric].short_title
    by = "" if change.change is None else f" {change.change:+.1f} {'points' if change.scale == 'points' else '%'}"
    why = f": {change.why}" if change.why else ""
    return Case(
        suite=change.scenario,
        name=change.service,
        ended=ends.get(change.verdict, "passed"),
        text=f"{metric}{by}, {change.verdict}{why}",
    )


def _document(name: str, cases: Iterable[Case]) -> str:
    suites: dict[str, list[Case]] = {}
    for case in cases:
        suites.setdefault(case.suite, []).append(case)
    every = [case for each in suites.values() for case in each]
    root = ET.Element("testsuites", {"name": name, **_counts(every)})
    for suite, within in suites.items():
        below = ET.SubElement(root, "testsuite", {"name": suite, **_counts(within)})
        for case in within:
            one = ET.SubElement(below, "testcase", classname=suite, name=case.name, time=f"{case.seconds:.3f}")
            if case.ended == "passed":
                ET.SubElement(one, "system-out").text = _printable(case.text)
            else:
                ET.SubElement(one, case.ended, message=_printable(case.text))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _counts(cases: Iterable[Case]) -> dict[str, str]:
    every = list(cases)
    ended = [case.ended for case in every]
    return {
        "tests": str(len(every)),
        "failures": str(ended.count("failure")),
        "errors": str(ended.count("error")),
        "skipped": str(ended.count("skipped")),
        "time": f"{sum(case.seconds for case in every):.3f}",
    }


def _printable(text: str) -> str:
    """XML has no place for control characters."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "�" for letter in text)
