"""What is made stands between two markers."""

import pytest

from bench.errors import UserError
from bench.report.markers import fill

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


def test_what_stands_between_the_markers_is_replaced_and_nothing_else() -> None:
    once = fill(f"# Top\n\n{BEGIN}\nold\n{END}\n\nBelow\n", "| new |\n")
    assert once == f"# Top\n\n{BEGIN}\n\n| new |\n\n{END}\n\nBelow\n"
    assert fill(once, "| new |\n") == once


def test_a_text_may_have_several_parts() -> None:
    parts = "<!-- a:begin --><!-- a:end --><!-- b:begin --><!-- b:end -->"
    assert fill(parts, "new", "b") == "<!-- a:begin --><!-- a:end --><!-- b:begin -->\n\nnew\n\n<!-- b:end -->"


@pytest.mark.parametrize(
    "text",
    ["", BEGIN, END, f"{END}{BEGIN}", f"{END}{BEGIN}{END}", f"{BEGIN}{END}{END}", f"{BEGIN}{BEGIN}{END}"],
)
def test_markers_that_are_missing_are_asked_for(text: str) -> None:
    with pytest.raises(UserError, match=r"needs a line .* and below it a line .*: add them"):
        fill(text, "new")
