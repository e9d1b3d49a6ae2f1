"""Colours that stay apart: on their background, and from each other for readers who cannot tell red from green."""

import math
import re
from itertools import combinations
from typing import Final

import pytest

from bench.report.charts.style import COLOURS, MARKS, STYLE, Scheme, swatch

Light = tuple[float, float, float]
"""Red, green and blue, linear, from 0 to 1."""
SEEN: Final = {
    "all cones": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
}
"""What is seen of a colour: Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color
Vision Deficiency (2009), severity 1."""
TOGETHER: Final = (
    ("queue", "waits", "rejected", "holds", "failed"),
    ("used", "free", "backends"),
    ("served", "rejected", "failed"),
    ("better", "equivalent", "undecided"),
    ("s1", "s2", "s3", "forecast"),
)
"""Marks that stand in one chart."""
LEAST_CONTRAST: Final = 3.0
"""Of a graphical object on its background: WCAG 2.2, 1.4.11."""
LEAST_APART: Final = 20.0
"""In CIELAB, where 2.3 is just noticeable; #2c9a4b and #c51b3f, a usual green and red, are 8 apart
under deuteranopia."""


def seen(colour: str, by: str) -> Light:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    light = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    red, green, blue = (
        min(1.0, max(0.0, sum(weight * part for weight, part in zip(row, light, strict=True)))) for row in SEEN[by]
    )
    return red, green, blue


def luminance(light: Light) -> float:
    return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]


def contrast(one: Light, other: Light) -> float:
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def lab(light: Light) -> tuple[float, float, float]:
    """CIELAB under D65."""
    red, green, blue = light
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, luminance(light), z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


@pytest.mark.parametrize("by", SEEN)
@pytest.mark.parametrize("scheme", COLOURS)
def test_every_mark_stands_out_from_its_background(scheme: Scheme, by: str) -> None:
    colours = COLOURS[scheme]
    used = {colour for name, (colour, _) in MARKS.items() if name != "margin"} | {"muted"}

    faint = {name: contrast(seen(colours[name], by), seen(colours["paper"], by)) for name in used}

    assert {name: value for name, value in faint.items() if value < LEAST_CONTRAST} == {}


@pytest.mark.parametrize("by", SEEN)
@pytest.mark.parametrize("scheme", COLOURS)
@pytest.mark.parametrize("together", TOGETHER)
def test_marks_of_one_chart_stay_apart(together: tuple[str, ...], scheme: Scheme, by: str) -> None:
    seen_as = {name: lab(seen(COLOURS[scheme][MARKS[name][0]], by)) for name in together}

    apart = {(one, other): math.dist(seen_as[one], seen_as[other]) for one, other in combinations(together, 2)}

    assert {pair: value for pair, value in apart.items() if value < LEAST_APART} == {}


def test_lines_of_seven_stacks_differ_in_colour_and_dashes_together() -> None:
    lines = [MARKS[f"s{nth}"] for nth in range(1, 8)]

    assert len(set(lines)) == 7
    assert len({colour for colour, _ in lines}) == 7


@pytest.mark.parametrize("together", TOGETHER[:3])
def test_without_colours_what_was_rejected_or_failed_is_dashed(together: tuple[str, ...]) -> None:
    bad = [name for name in together if name in ("rejected", "failed", "free", "backends")]
    good = [name for name in together if name not in bad]

    assert {MARKS[name][1] for name in good} == {""}
    assert len({MARKS[name][1] for name in bad} - {""}) == len(bad)


def test_no_colour_is_written_but_as_a_property() -> None:
    rules = STYLE.partition(".chart{")[2]

    assert re.findall(r"#[0-9a-f]{3,6}", rules) == []
    assert set(re.findall(r"var\(--chart-(\w+)\)", rules)) <= set(COLOURS["light"])


def test_light_and_dark_have_the_same_colours() -> None:
    assert COLOURS["light"].keys() == COLOURS["dark"].keys()


def test_a_legend_shows_a_mark_as_its_chart_does() -> None:
    assert 'class="c-used" d="M0 55h220"' in swatch("c-used")
    assert 'class="c-rejected" stroke-width="80"' in swatch("c-rejected")
    assert 'class="c-forecast c-dot" d="M110 55h0"' in swatch("c-forecast c-dot")
