"""What a program makes stands between the two markers of its part, at their depth, and nowhere else."""

import pytest

from bench.errors import UserError
from bench.report.markers import fill, parts_of

YAML = """services:
  # services:begin, made by a program
  old: 1
  # services:end
kept: true
"""
MARKDOWN = """Before
<!-- table:begin -->
<!-- table:end -->
after
"""


def test_what_stands_between_the_markers_is_replaced_and_nothing_else() -> None:
    assert fill("# Top\n\n<!-- results:begin -->\nold\n<!-- results:end -->\n\nBelow\n", {"results": "| new |\n"}) == (
        "# Top\n\n<!-- results:begin -->\n\n| new |\n\n<!-- results:end -->\n\nBelow\n"
    )


def test_a_part_is_filled_at_the_depth_of_its_markers() -> None:
    assert fill(YAML, {"services": "one:\n  deeper: 1\n\ntwo: {}\n"}) == (
        "services:\n  # services:begin, made by a program\n  one:\n    deeper: 1\n\n  two: {}\n  # services:end\n"
        "kept: true\n"
    )


def test_filled_again_it_is_the_same() -> None:
    for text, name in ((YAML, "services"), (MARKDOWN, "table")):
        once = fill(text, {name: "| a |\n|---|"})
        assert fill(once, {name: "| a |\n|---|"}) == once


def test_a_text_may_have_several_parts_of_which_some_are_filled() -> None:
    text = f"{MARKDOWN}// lab:begin\n// lab:end\n"

    assert parts_of(text) == ["table", "lab"]
    assert fill(text, {"lab": "const A = 1;"}) == f"{MARKDOWN}// lab:begin\nconst A = 1;\n// lab:end\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<!-- table:begin -->\n",
        "<!-- table:end -->\n",
        "<!-- table:end -->\n<!-- table:begin -->\n",
        "<!-- table:begin --><!-- table:end -->\n",
        "  # table:begin\n# table:end\n",
        "# table:begin\n// table:end\n",
        MARKDOWN + MARKDOWN,
        MARKDOWN + "<!-- table:end -->\n",
        MARKDOWN + "<!-- table:begin -->\n",
        MARKDOWN.replace("table", "other"),
    ],
)
def test_markers_that_are_missing_are_asked_for(text: str) -> None:
    with pytest.raises(UserError, match=r"needs a line <!-- table:begin --> and below it a line .*: add them"):
        fill(text, {"table": "new"})
