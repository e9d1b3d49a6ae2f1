"""What the pages name is there: files, folders, and the rooms of the house."""

import re
from collections.abc import Iterator
from glob import iglob
from typing import Final

import pytest

from generate.files import ROOT
from services.stacks import STACKS

PAGES: Final = (
    "CONTRIBUTING.md",
    "README.md",
    "RUNBOOK.md",
    "SECURITY.md",
    "results/README.md",
    *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md"))),
    *(f"services/{stack}/README.md" for stack in STACKS),
)
SUFFIXES: Final = (".py", ".md", ".js", ".yml", ".json", ".jsonl", ".parquet", ".svg", ".toml", ".txt", "/")
PATH: Final = re.compile(r"[\w*][\w.*…-]*(/[\w.*…-]+)*/?")
FENCED: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def named(text: str) -> Iterator[str]:
    """Each path in backticks, and each file that a link leads to; `NAME` and `…` stand for anything."""
    prose = FENCED.sub("", text)
    for word in " ".join(re.findall(r"`([^`]+)`", prose)).split():
        within = "/" in word and (ROOT / word.partition("/")[0]).is_dir()
        if PATH.fullmatch(word) and (within or word.endswith(SUFFIXES)):
            yield word
    yield from re.findall(r"\]\((?!https?:|#)([^)#]+)", prose)


def is_there(path: str, page: str) -> bool:
    """Below the root or the page's own folder; a name without a folder is, wherever it lies."""
    pattern = path.replace("NAME", "*").replace("…", "*")
    if "/" not in pattern.rstrip("/"):
        pattern = f"**/{pattern}"
    places = (ROOT, (ROOT / page).parent)
    found = (iglob(pattern, root_dir=place, recursive=True) for place in places)  # noqa: PTH207 - Path.glob enters .venv
    return any(map(any, found))


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_is_there(page: str) -> None:
    paths = set(named((ROOT / page).read_text()))

    assert [path for path in sorted(paths) if not is_there(path, page)] == []


def test_a_path_that_is_not_there_is_found() -> None:
    text = "`bench/nowhere.py`, `bench report results/gone`, `bench/analysis/*_queue.py`, [a page](docs/none.md#a)"

    assert [path for path in named(text) if not is_there(path, "README.md")] == [
        "bench/nowhere.py",
        "results/gone",
        "docs/none.md",
    ]


@pytest.mark.parametrize("house", ["bench", "services"])
def test_every_room_stands_in_the_tree(house: str) -> None:
    tree = re.search(rf"^    {house}/ .*\n((?:      .*\n)+)", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert tree
    heads = " ".join(re.findall(r"^      (\S.*?)  ", tree[1], re.MULTILINE))
    rooms = {init.parent.name for init in (ROOT / house).glob("*/__init__.py")}

    assert set(re.findall(r"(\w+)/", heads)) - {"NAME"} == rooms - STACKS.keys()
