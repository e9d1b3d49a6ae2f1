"""Every check of `bench check` over every service, in both tunings; what is skipped is named with its reason."""

from typing import Final

import pytest

from bench.check import check
from bench.check.conformance import CHANGING, CLOSING, READING, name_of
from services.common.contract import Tuning
from services.stacks import STACKS
from tests.conftest import StartService

EVERY: Final = [name_of(one) for one in (*READING, *CHANGING, *CLOSING)]
ALONE: Final = {"several-workers": "one worker process: there is nothing to refuse"}
"""What a service of one process leaves to skip."""
CONNECT_UNBOUNDED: Final = {"growing": "a connection was made within 1 ms, or the library waits for it"}
"""What is skipped, too, where the library bounds the wait for a connection, and not the connect."""


@pytest.mark.parametrize("tuning", ["equalised", "as_shipped"])
def test_service_keeps_the_contract(start: StartService, name: str, tuning: Tuning) -> None:
    report = check(start(tuning=tuning).base_url)

    bounded = tuning == "equalised" or STACKS[name].traits.shipped_timeout_bounds_connect
    assert [f"{result.name}: {result.detail}" for result in report.results if result.verdict == "failed"] == []
    assert [result.name for result in report.results] == EVERY
    assert {result.name: result.detail for result in report.results if result.verdict == "skipped"} == (
        ALONE if bounded else ALONE | CONNECT_UNBOUNDED
    )
