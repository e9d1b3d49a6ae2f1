"""Marks on two axes as one `<svg>`: whole tenths of a pixel and relative commands, which keep a page small.

Colours and widths are those of `STYLE`. What the hover shows is read back from the paths and from the attributes
`data-kind`, `data-x`, `data-y` and `data-box`, so that no value is stored twice.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import Final, Literal

from bench.report.charts.scale import Axis

WIDTH: Final = 3300
HEIGHT: Final = 1900
LEFT, RIGHT, BOTTOM = 420, 80, 220
TOP: Final = 100
NAMED: Final = 230
"""The margin above a plot whose axes have names."""
LETTERS: Final = 58
"""As many fit into a line; names that are longer together stand in two."""
THIN: Final = 6
"""The least width of a bar."""
Span = tuple[float, float, float]
Kind = Literal["rows", "time", "dots", "each"]
"""How values are found under a pointer: in its row, at its moment, at the nearest dot, or in the nearest mark."""


class Plot:
    """A drawing in the making. A mark that has a name shows its values under the pointer."""

    def __init__(self, x: Axis, y: Axis, *, kind: Kind, label: str, height: int = HEIGHT, left: int = LEFT) -> None:
        """`label` says in a sentence what is shown, for those who cannot see it."""
        self.across, self.up = x, y
        self._kind, self._label, self._height = kind, label, height
        self._left, self._right = left, WIDTH - RIGHT
        self._below = 110 if len(x.name) + len(y.name) > LETTERS else 0
        self._top, self._bottom = NAMED + self._below if x.name or y.name else TOP, height - BOTTOM
        self._marks = list[str]()

    def x(self, value: float) -> int:
        return round(self._left + self.across.place(value) * (self._right - self._left))

    def y(self, value: float) -> int:
        return round(self._bottom - self.up.place(value) * (self._bottom - self._top))

    def rows(self, spans: Iterable[Span], css: str, name: str, thick: float) -> None:
        """Bars that lie: (from, to, y), `thick` a share of a row, which is 1 on the y axis."""
        pen = _Pen()
        for start, end, y in spans:
            if self.x(end) - self.x(start) >= THIN:
                pen.move(self.x(start), self.y(y))
                pen.across(self.x(end))
        self._path(pen, css, "n", name, thick * abs(self.y(1) - self.y(0)))

    def columns(self, spans: Iterable[Span], css: str, name: str, wide: float, data: Literal["c", "b"] = "c") -> None:
        """Bars that stand: (middle, from, to), `wide` on the x axis; columns ("c"), or the band of a line ("b")."""
        pen = _Pen()
        for middle, low, high in spans:
            if self.y(low) != self.y(high):
                pen.move(self.x(middle), self.y(low))
                pen.up(self.y(high))
        self._path(pen, css, data, name, wide * abs(self.x(1) - self.x(0)))

    def steps(self, points: Sequence[tuple[float, float | None]], css: str, name: str) -> None:
        """A value from each x on until the next, and none at the last; a gap where there is none."""
        pen, on = _Pen(), False
        for nth, ((start, value), (end, _)) in enumerate(pairwise(points), start=2):
            if value is None:
                on = False
            elif self.x(end) > self.x(start) or nth == len(points):
                if on:
                    pen.up(self.y(value))
                else:
                    pen.move(self.x(start), self.y(value))
                pen.across(self.x(end))
                on = True
        self._path(pen, css, "n", name)

    def dots(self, points: Iterable[tuple[float, float]], css: str, name: str) -> None:
        pen = _Pen()
        for x, y in points:
            pen.move(self.x(x), self.y(y))
            pen.across(self.x(x))
        self._path(pen, css, "n", name)

    def level(self, y: float, css: str, name: str = "") -> None:
        """A line all across."""
        self.steps([(self.across.low, y), (self.across.high, None)], css, name)

    def moment(self, x: float, text: str) -> None:
        """Something that happened, as an upright line with its name on top."""
        at = self.x(x)
        self._marks.append(f'<path class="c-moment" d="M{at} {self._bottom}V{self._top}"/>')
        self.text(at, self._top - 25, text, "m")

    def text(self, x: int, y: int, text: str, css: str = "") -> None:
        """At a place in tenths of a pixel; `css`: "e" ends there, "m" has its middle there."""
        chosen = f' class="{css}"' if css else ""
        self._marks.append(f'<text x="{x}" y="{y}"{chosen}>{escape(text)}</text>')

    def svg(self) -> str:
        box = f"{self._left} {self._right} {self._top} {self._bottom}"
        return (
            f'<svg class="chart" viewBox="0 0 {WIDTH} {self._height}" role="img" '
            f'aria-label="{escape(self._label)}" data-kind="{self._kind}" data-box="{box}" '
            f'data-x="{_read_back(self.across)}" data-y="{_read_back(self.up)}">'
            f"{''.join(self._frame())}{''.join(self._marks)}</svg>"
        )

    def _frame(self) -> Iterator[str]:
        lines = "".join(f"M{self._left} {self.y(value)}H{self._right}" for value, _ in self.up.ticks)
        yield f'<path class="grid" d="{lines}M{self._left} {self._bottom}H{self._right}"/>'
        yield '<g class="m">'
        for nth, (value, said) in enumerate(self.across.ticks):
            yield _tick(self.x(value), self._bottom + 140, said, odd=nth % 2 > 0)
        yield '</g><g class="e">'
        for value, said in self.up.ticks:
            yield _tick(self._left - 50, self.y(value) + 35, said, odd=self.y(value) > self._bottom - 100)
        yield "</g>"
        if self.up.name:
            yield f'<text x="0" y="120">{escape(self.up.name)}</text>'
        if self.across.name:
            yield f'<text x="{self._right}" y="{120 + self._below}" class="e">{escape(self.across.name)}</text>'

    def _path(self, pen: "_Pen", css: str, data: str, name: str, width: float | None = None) -> None:
        if not pen:
            return
        said = f' data-{data}="{escape(name)}"' if name else ""
        wide = f' stroke-width="{max(THIN, round(width))}"' if width is not None else ""
        self._marks.append(f'<path class="{css}"{said}{wide} d="{pen}"/>')


class _Pen:
    """The commands of a path."""

    def __init__(self) -> None:
        self._x = self._y = 0
        self._d = list[tuple[str, int, int]]()

    def move(self, x: int, y: int) -> None:
        """To a place, in relation to the last but the first time."""
        self._d.append(("m", x - self._x, y - self._y) if self._d else ("M", x, y))
        self._x, self._y = x, y

    def across(self, x: int) -> None:
        """Two in one direction are one."""
        by = x - self._x
        if self._d[-1][0] == "h":
            by += self._d.pop()[1]
        self._d.append(("h", by, 0))
        self._x = x

    def up(self, y: int) -> None:
        if y != self._y:
            self._d.append(("v", y - self._y, 0))
            self._y = y

    def __bool__(self) -> bool:
        return bool(self._d)

    def __str__(self) -> str:
        return "".join(
            f"{command}{one}" if command in "hv" else f"{command}{one}{'' if other < 0 else ' '}{other}"
            for command, one, other in self._d
        )


def _tick(x: int, y: int, said: str, *, odd: bool) -> str:
    """One that is odd is left out where there is little room."""
    css = ' class="o"' if odd else ""
    return f'<text x="{x}" y="{y}"{css}>{escape(said)}</text>'


def _read_back(axis: Axis) -> str:
    """`0 6.5 log|ms|wait`: the ends, the unit and the name of an axis, for the hover."""
    return escape(f"{axis.low:.6g} {axis.high:.6g}{' log' if axis.log else ''}|{axis.unit}|{axis.name}")
