"""What the tests of the common parts share: a clock, and no exporter."""

import pytest

from services.common.tracing import ENDPOINTS
from tests.services.common.clock import Clock, turned_by_hand


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return turned_by_hand(monkeypatch)


@pytest.fixture(autouse=True)
def _untraced(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
