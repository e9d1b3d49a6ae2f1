"""Generated blocks: filled where their markers are, at their depth, and nowhere else."""

import pytest

from generate.markers import BEGIN, END, MarkersError, fill

YAML = f"""services:
  # {BEGIN}: services
  old: 1
  # {END}: services
kept: true
"""
MARKDOWN = f"""Before
<!-- {BEGIN}: table -->
<!-- {END}: table -->
after
"""


def test_a_block_is_filled_at_the_depth_of_its_markers() -> None:
    assert fill(YAML, {"services": "one:\n  deeper: 1\n\ntwo: {}\n"}) == (
        f"services:\n  # {BEGIN}: services\n  one:\n    deeper: 1\n\n  two: {{}}\n  # {END}: services\nkept: true\n"
    )


def test_filled_again_it_is_the_same() -> None:
    for text, name in ((YAML, "services"), (MARKDOWN, "table")):
        once = fill(text, {name: "| a |\n|---|"})
        assert fill(once, {name: "| a |\n|---|"}) == once


def test_markdown_has_an_empty_line_around() -> None:
    assert f"table -->\n\n| a |\n\n<!-- {END}" in fill(MARKDOWN, {"table": "| a |"})


def test_several_blocks_stand_in_one_file() -> None:
    text = YAML + f"// {BEGIN}: lab\n// {END}: lab\n"

    assert fill(text, {"services": "a: 1", "lab": "const A = 1;"}).endswith(
        f"  a: 1\n  # {END}: services\nkept: true\n// {BEGIN}: lab\nconst A = 1;\n// {END}: lab\n"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "nothing"),
        (YAML.replace(": services", ": others"), "others"),
        (YAML + YAML, "services, services"),
        (YAML.replace(f"  # {END}", f"# {END}"), "nothing"),
        (YAML + f"# {BEGIN}: more\n", "services"),
    ],
)
def test_markers_that_are_not_those_of_the_blocks_are_refused(text: str, found: str) -> None:
    with pytest.raises(MarkersError) as error:
        fill(text, {"services": ""})

    assert str(error.value) == f"the markers are those of {found}, not of services"
