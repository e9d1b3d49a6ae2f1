"""docs/metrics.md says what the registry says."""

import re

from bench.metrics.registry import METRICS
from docs import metrics as page

TEXT = page.FILE.read_text(encoding="utf-8")


def test_what_is_committed_is_what_the_registry_makes() -> None:
    assert page.render(TEXT) == TEXT, "run `make metrics`"


def test_a_table_that_was_changed_by_hand_is_made_again() -> None:
    assert page.render(TEXT.replace("<!-- metrics:begin -->", "<!-- metrics:begin -->\n\nby hand")) == TEXT


def test_every_metric_has_its_row() -> None:
    assert re.findall(r"^\| `(\w+)`", TEXT, flags=re.MULTILINE) == list(METRICS)
