"""Marks as SVG: places, paths that can be read back, and words for those who do not see them."""

import re
from xml.etree import ElementTree as ET

import pytest

from bench.report.charts.plot import Plot
from bench.report.charts.scale import Axis, axis, ticks

SVG = "{http://www.w3.org/2000/svg}"


def plot(kind: str = "time", x: Axis | None = None, y: Axis | None = None, label: str = "what it shows") -> Plot:
    """From 0 to 10 s across, 0 to 5 up: 280 and 158 tenths of a pixel each."""
    return Plot(x or axis(10, "s"), y or axis(5), kind=kind, label=label)  # type: ignore[arg-type]  # kinds come from a list


def path(drawn: Plot) -> str:
    """The commands of the only mark."""
    (found,) = re.findall(r'<path class="c-[^>]* d="([^"]*)"', drawn.svg())
    return str(found)


def test_a_line_goes_by_steps_and_only_where_it_changes() -> None:
    drawn = plot()

    drawn.steps([(0, 0), (1, 0), (2, 5), (3, 5), (4, None)], "c-used", "used")

    assert path(drawn) == "M420 1680h560v-1580h560"
    assert 'data-n="used"' in drawn.svg()


def test_a_line_has_a_gap_where_nothing_is_known() -> None:
    drawn = plot()

    drawn.steps([(0, 5), (1, None), (2, 5), (3, None)], "c-used", "used")

    assert path(drawn) == "M420 100h280m280 0h280"


def test_columns_stand_on_their_base_and_are_as_wide_as_asked() -> None:
    drawn = plot()

    drawn.columns([(1, 0, 5), (2, 1, 1), (3, 0, 1)], "c-served", "served", 0.5)

    assert path(drawn) == "M700 1680v-1580m560 1580v-316"
    assert 'data-c="served" stroke-width="140"' in drawn.svg()


def test_rows_lie_and_those_too_short_to_be_seen_are_left_out() -> None:
    drawn = plot("rows", y=Axis(low=2, high=0))

    drawn.rows([(0, 5, 0.5), (5, 5.001, 0.5), (1, 2, 1.5)], "c-waits", "waits", 0.5)

    assert path(drawn) == "M420 495h1400m-1120 790h280"


def test_a_mark_of_nothing_is_no_mark() -> None:
    drawn = plot()

    drawn.steps([], "c-used", "used")
    drawn.steps([(0, None), (1, None)], "c-used", "used")
    drawn.columns([(1, 2, 2)], "c-served", "served", 1)
    drawn.dots([], "c-dot", "")

    assert "c-" not in drawn.svg()


def test_a_logarithmic_axis_gives_factors_the_same_length() -> None:
    shares = Axis(low=0.01, high=1, log=True)

    assert [round(shares.place(share), 3) for share in (0.01, 0.1, 1)] == [0, 0.5, 1]


@pytest.mark.parametrize(
    ("low", "high", "unit", "whole", "expected"),
    [
        (0, 6.5, "s", False, ["0 s", "2 s", "4 s", "6 s"]),
        (0, 1.2, "", False, ["0", "0.5", "1"]),
        (0, 2, "", True, ["0", "1", "2"]),
        (0, 1, "", True, ["0", "1"]),
        (0, 10, "", True, ["0", "5", "10"]),
        (-45, 45, "", True, ["-25", "0", "25"]),
        (987, 4021, "ms", False, ["1000 ms", "2000 ms", "3000 ms", "4000 ms"]),
        (0, 0.0003, "", False, ["0", "0.0001", "0.0002", "0.0003"]),
    ],
)
def test_ticks_are_round(low: float, high: float, unit: str, whole: bool, expected: list[str]) -> None:
    assert [said for _, said in ticks(low, high, unit, whole=whole)] == expected


def test_an_axis_without_length_is_made_one_long() -> None:
    assert (axis(0).low, axis(0).high) == (0, 1)


def test_every_drawing_says_what_it_shows_and_is_well_formed() -> None:
    drawn = plot(label='a < b & "c"')
    drawn.moment(5, "<leak>")
    drawn.text(0, 0, "R&D")

    root = ET.fromstring(drawn.svg())

    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == 'a < b & "c"'
    assert {"<leak>", "R&D"} <= {text.text for text in root.iter("text")}


def test_a_page_can_hold_many_drawings() -> None:
    """No ids, and no style of their own."""
    svg = plot().svg()

    assert "id=" not in svg
    assert "style" not in svg


def test_values_can_be_read_back() -> None:
    root = ET.fromstring(plot(y=Axis(low=0.01, high=1, log=True, name="longer")).svg())

    assert [root.attrib[f"data-{name}"] for name in ("kind", "box", "x", "y")] == [
        "time", "420 3220 230 1680", "0 10|s|", "0.01 1 log||longer",
    ]  # fmt: skip
