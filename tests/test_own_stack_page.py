"""docs/own-stack.md: its entry is read, its commands are known to `bench`, and its Python compiles."""

import re
from pathlib import Path

from bench.cli.main import cli
from bench.targets.process import ROOT
from services import stacks_from
from tests import elsewhere

TEXT = (ROOT / "docs" / "own-stack.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_its_entry_is_taken(tmp_path: Path) -> None:
    entry = next(block for block in BLOCKS if "STACKS = " in block)
    (tmp_path / "stacks.py").write_text(entry)
    (tmp_path / "mine").mkdir()

    with elsewhere.registry():
        (mine,) = stacks_from.load(tmp_path)

    assert (mine.package, mine.threads) == ("mine", True)


def test_its_commands_take_the_option() -> None:
    named = set(re.findall(r"^    bench (\w+) .*--stacks-from my-stacks", TEXT, re.MULTILINE))

    assert named == {"list", "check", "run", "lab"}
    for name in named:
        assert any("--stacks-from" in option.opts for option in cli.commands[name].params)


def test_its_python_compiles() -> None:
    assert len(BLOCKS) >= 3
    for block in BLOCKS:
        compile(block, "own-stack.md", "exec")
