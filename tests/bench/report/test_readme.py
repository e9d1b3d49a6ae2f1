"""The section of a README."""

import pytest

from bench.errors import UserError
from bench.report.readme import BEGIN, END, fill


def test_what_stands_between_the_markers_is_replaced_and_nothing_else() -> None:
    once = fill(f"# Top\n\n{BEGIN}\nold\n{END}\n\nBelow\n", "| new |\n")
    assert once == f"# Top\n\n{BEGIN}\n\n| new |\n\n{END}\n\nBelow\n"
    assert fill(once, "| new |\n") == once


@pytest.mark.parametrize(
    "text",
    ["", BEGIN, END, f"{END}{BEGIN}", f"{END}{BEGIN}{END}", f"{BEGIN}{END}{END}", f"{BEGIN}{BEGIN}{END}"],
)
def test_markers_that_are_missing_are_asked_for(text: str) -> None:
    with pytest.raises(UserError, match=r"needs a line .* and below it a line .*: add them"):
        fill(text, "new")
