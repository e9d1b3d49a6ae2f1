"""A chart as a file of its own: title, what to see, legend and panels, with its colours inside."""

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from types import MappingProxyType
from typing import Final

from bench.report.charts.model import Chart, Panel
from bench.report.charts.style import Scheme, marks, properties, swatch

WIDTH: Final = 10_200
"""In tenths of a pixel, as all lengths here; a reader's screen is as wide, or narrower."""
MARGIN: Final = 150
GAP: Final = 150
SIDE_BY_SIDE: Final = 3
WIDEST: Final = 5200
"""Of a panel that is alone."""
CHARACTERS, TITLE = 98, 74
"""To a line of text and of a title, in letters that are large enough for a telephone."""
LINE: Final = 260
NARROW: Final = (
    "@media(max-width:600px){text,.chart text{font-size:200px}.title{font-size:220px}.alone text{font-size:115px}"
    ".chart .o{display:none}}"
)
"""On a narrow screen the picture is smaller, so its letters are larger and its ticks fewer."""
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
FOR_PAGES: Final = re.compile(r' data-\w+="[^"]*"')
"""What a panel has for a page's pointer and keys."""
BOX: Final = re.compile(r'viewBox="0 0 (\d+) (\d+)"')


def picture(chart: Chart, *, stacks: Callable[[str], str], scheme: Scheme) -> str:
    """One SVG file, readable from 390 pixels on; `stacks` says what a service is called."""
    return pictures([chart], stacks=stacks, scheme=scheme)


def pictures(
    of: Sequence[Chart], *, stacks: Callable[[str], str], scheme: Scheme, title: str = "", about: str = ""
) -> str:
    """Several charts under each other in one SVG file."""
    sheet = Sheet()
    sheet.say(title, "title")
    sheet.say(about)
    for chart in of:
        if title:
            sheet.down(LINE)
        _draw(sheet, chart, stacks)
    said = " ".join(part for part in (title, *(f"{chart.title}: {chart.see}" for chart in of)) if part)
    return sheet.svg(said, scheme)


def _draw(sheet: "Sheet", chart: Chart, stacks: Callable[[str], str]) -> None:
    sheet.say(chart.title, "title")
    sheet.say(chart.see)
    sheet.legend(chart.legend)
    sheet.panels(chart.panels, stacks)


class Sheet:
    """A picture that grows downwards."""

    def __init__(self) -> None:
        self._y = 0
        self._parts = list[str]()

    def down(self, by: int) -> None:
        self._y += by

    def say(self, text: str, css: str = "") -> None:
        """In as many lines as it takes; `css` is "title" or nothing."""
        title = css == "title"
        for nth, line in enumerate(textwrap.wrap(text, TITLE if title else CHARACTERS)):
            self._y += LINE + (100 if title and not nth else 40 if title else 0)
            self._text(MARGIN, line, css)

    def _text(self, x: int, text: str, css: str = "") -> None:
        chosen = f' class="{css}"' if css else ""
        self._parts.append(f'<text x="{x}" y="{self._y}"{chosen}>{escape(text)}</text>')

    def legend(self, marks_of: Iterable[tuple[str, str]]) -> None:
        """Marks with their words, in as many lines as that takes."""
        x = WIDTH
        for css, words in marks_of:
            wide = 320 + 105 * len(words)
            if x + wide > WIDTH - MARGIN:
                x = MARGIN
                self._y += LINE
            mark = swatch(css).replace("<svg ", f'<svg x="{x}" y="{self._y - 105}" width="220" height="110" ', 1)
            self._parts.append(mark)
            self._text(x + 280, words)
            x += wide + 150

    def panels(self, panels: Sequence[Panel], stacks: Callable[[str], str], said: Mapping[str, str] = NOTHING) -> None:
        """Side by side under the names of their stacks, and under what is `said` of each; those that hold several
        stacks under each other."""
        alone = not all(panel.service for panel in panels)
        abreast, wide = (1, WIDEST) if alone else (SIDE_BY_SIDE, (WIDTH - 2 * MARGIN - 2 * GAP) // SIDE_BY_SIDE)
        for start in range(0, len(panels), abreast):
            row = [(MARGIN + nth * (wide + GAP), panel) for nth, panel in enumerate(panels[start : start + abreast])]
            if not alone:
                self._heads([(x, stacks(panel.service)) for x, panel in row])
                self._heads([(x, said[panel.service]) for x, panel in row if panel.service in said])
            self._y += 80
            self._y += max(self._panel(x, wide, panel.svg, alone) for x, panel in row)

    def _heads(self, texts: Sequence[tuple[int, str]]) -> None:
        self._y += LINE if texts else 0
        for x, text in texts:
            self._text(x, text, "stack")

    def _panel(self, x: int, wide: int, svg: str, alone: bool) -> int:
        """How high it is."""
        box = BOX.search(svg)
        assert box, "a panel has a viewBox"
        high = wide * int(box[2]) // int(box[1])
        place = f'<svg x="{x}" y="{self._y}" width="{wide}" height="{high}" class="chart{" alone" if alone else ""}"'
        self._parts.append(FOR_PAGES.sub("", svg).replace('<svg class="chart"', place, 1))
        return high

    def svg(self, label: str, scheme: Scheme) -> str:
        high = self._y + MARGIN
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {high}" width="{WIDTH // 10}" '
            f'height="{high // 10}" role="img" aria-label="{escape(label)}">\n<style>svg{{{properties(scheme)}}}\n'
            f"text{{font:160px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:var(--chart-muted)}}\n"
            f"{marks()}\n.title{{font-size:190px;font-weight:600;fill:var(--chart-ink)}}"
            f".stack{{font-weight:600;fill:var(--chart-ink)}}\n{NARROW}</style>\n"
            f'<rect width="{WIDTH}" height="{high}" fill="var(--chart-paper)"/>\n'
            + "\n".join(self._parts)
            + "\n</svg>\n"
        )
