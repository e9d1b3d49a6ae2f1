"""README.md is one screen that leads everywhere."""

import re

from generate.files import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
MOST = 12_000


def test_it_is_short_and_its_first_picture_comes_before_any_table() -> None:
    assert len(TEXT) <= MOST
    assert TEXT.index("<picture>") < 600
    assert TEXT.index("</picture>") < TEXT.index("\n|")


def test_its_picture_is_there_for_light_and_dark_and_says_in_words_what_it_shows() -> None:
    pictures = re.findall(r'(?:src|srcset)="([^"]+)"', TEXT)
    assert len(pictures) == 2
    assert all((ROOT / path).is_file() for path in pictures)
    (said,) = re.findall(r'alt="([^"]+)"', TEXT)
    assert len(said) > 80


def test_every_page_of_the_docs_is_linked() -> None:
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)", TEXT))
    assert linked == {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}


def test_tables_fit_a_phone() -> None:
    """Five columns of short words at most; a row of words has two."""
    for row in re.findall(r"^\|.*\|$", TEXT, re.MULTILINE):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if set(row) <= set("|:- "):
            continue
        assert len(cells) == 2 or (len(cells) == 5 and max(map(len, cells)) <= 40), row
