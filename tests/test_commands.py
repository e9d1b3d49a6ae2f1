"""Each command that a page shows can be typed: its options, scenarios, profiles and stacks are there."""

import re
import shlex
from collections.abc import Iterator
from typing import Final

import click
import pytest

from bench.cli.main import cli
from generate.files import ROOT

PAGES: Final = (
    "README.md",
    "CONTRIBUTING.md",
    "RUNBOOK.md",
    "results/README.md",
    *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md")) if page.stem != "own-stack"),
)
LINE: Final = re.compile(r"^(?: {4}(?:\$ )?|(?:\$ )?)(?:\.venv/bin/)?bench (.*)$", re.MULTILINE)
TRUTH: Final = {
    "…": "", "NAME": "burst-10", "DIR": "/tmp/run", "RUN_A": "/tmp/a", "RUN_B": "/tmp/b", "POOL_RUN": "/tmp/a",
    "HTTP_RUN": "/tmp/b", "OLD": "/tmp/a", "NEW": "/tmp/b", "$run": "/tmp/run",
}  # fmt: skip
"""What stands for the words of a page that are no words of a command."""


def commands() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for found in LINE.finditer((ROOT / page).read_text(encoding="utf-8")):
            line = re.split(r"\s+#|\s+[>&|]|;", found[1])[0]
            for word, truth in TRUTH.items():
                line = re.sub(rf"(?<![\w/]){re.escape(word)}(?![\w/])", truth, line)
            yield page, line.strip()


COMMANDS: Final = tuple(commands())


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_command_of_a_page_can_be_typed(page: str, line: str) -> None:
    with click.Context(cli) as around:
        name, command, rest = cli.resolve_command(around, shlex.split(line))
        assert command is not None, page
        command.make_context(name, list(rest), parent=around).close()


def test_many_commands_are_shown() -> None:
    assert len(COMMANDS) > 30
