"""The configuration of Prometheus, its rules, and the rules' own tests, by promtool."""

import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from bench.targets.process import ROOT
from tests.observability.processes import OBSERVABILITY, RULES, program

RULE_FILES: Final = tuple(sorted(RULES.glob("*.yml")))
RULE_TESTS: Final = tuple(sorted((RULES / "tests").glob("*.yml")))


def promtool(*arguments: str | Path) -> None:
    """Runs it; what it says is the message of a failure."""
    done = subprocess.run(
        [program("promtool", "prometheus"), *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr


def every_rule() -> list[dict[str, Any]]:
    files = [yaml.safe_load(path.read_text()) for path in RULE_FILES]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def every_case(kind: str) -> list[dict[str, Any]]:
    files = [yaml.safe_load(path.read_text()) for path in RULE_TESTS]
    return [case for file in files for test in file["tests"] for case in test.get(kind, ())]


def test_prometheus_can_read_its_configuration() -> None:
    promtool("check", "config", OBSERVABILITY / "prometheus.yml")


def test_prometheus_can_read_its_rules() -> None:
    assert {path.name for path in RULE_FILES} == {"recording.yml", "alerts.yml"}
    promtool("check", "rules", "--lint=all", "--lint-fatal", *RULE_FILES)


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_the_rules_keep_their_promises(path: Path) -> None:
    promtool("test", "rules", path)


def test_each_alert_has_a_case_that_fires_and_one_that_does_not() -> None:
    alerts = {rule["alert"] for rule in every_rule() if "alert" in rule}
    cases = every_case("alert_rule_test")
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == alerts
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == alerts


def test_each_recording_rule_has_a_value_under_load_and_one_when_idle() -> None:
    asked = [case["expr"] for case in every_case("promql_expr_test")]
    names = [rule["record"] for rule in every_rule() if "record" in rule]
    assert [name for name in names if sum(name in expr for expr in asked) < 2] == []


def test_each_alert_says_how_severe_it_is() -> None:
    """And where to read on, which the runbook's tests follow."""
    severities = {rule["alert"]: rule["labels"]["severity"] for rule in every_rule() if "alert" in rule}
    assert set(severities.values()) == {"warning", "critical"}
