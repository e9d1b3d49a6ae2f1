"""docs/metrics.md says what the registry says."""

import re

from bench.metrics.registry import METRICS
from generate.files import ROOT, generated


def test_every_metric_has_its_row() -> None:
    text = generated(ROOT)["docs/metrics.md"]

    assert re.findall(r"^\| `(\w+)`", text, flags=re.MULTILINE) == list(METRICS)
