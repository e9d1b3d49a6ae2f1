"""`make help`."""

import re
import subprocess

from generate.files import ROOT


def test_help_has_a_line_for_every_target() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

    make = ["make", "-C", str(ROOT), "--no-print-directory", "help"]
    done = subprocess.run(make, capture_output=True, text=True, check=True)

    assert [line.split()[0] for line in done.stdout.splitlines()] == targets
    assert all(len(line.split()) > 2 for line in done.stdout.splitlines())
