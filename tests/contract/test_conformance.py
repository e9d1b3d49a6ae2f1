"""Every check of `bench check` over every service, in both tunings."""

import pytest

from bench.check import check
from services.common.contract import Tuning
from tests.conftest import StartService


@pytest.mark.parametrize("tuning", ["equalised", "as_shipped"])
def test_service_keeps_the_contract(start: StartService, tuning: Tuning) -> None:
    report = check(start(tuning=tuning).base_url)

    assert [f"{result.name}: {result.detail}" for result in report.results if result.verdict == "failed"] == []
    assert sum(result.verdict == "passed" for result in report.results) >= 20
