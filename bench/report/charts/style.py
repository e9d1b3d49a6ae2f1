"""The colours of charts and how they are drawn, as CSS: light, dark and in print.

Colours are custom properties, and each mark is told from the others of its chart by its dashes or its form as well. A
test computes that they stay apart for readers who cannot tell red from green.
"""

from collections.abc import Mapping
from html import escape
from types import MappingProxyType
from typing import Final, Literal

Scheme = Literal["light", "dark"]
COLOURS: Final[Mapping[Scheme, Mapping[str, str]]] = MappingProxyType(
    {
        "light": {
            "paper": "#ffffff", "ink": "#1f2328", "muted": "#59636e", "line": "#d1d9e0", "blue": "#0072b2",
            "amber": "#b87700", "red": "#d0304f", "grey": "#868c95", "green": "#00815f", "purple": "#6f3fb0",
        },
        "dark": {
            "paper": "#0d1117", "ink": "#f0f6fc", "muted": "#9198a1", "line": "#3d444d", "blue": "#56b4e9",
            "amber": "#f0c040", "red": "#ff7a70", "grey": "#6a727c", "green": "#2fbf94", "purple": "#b08cff",
        },
    }
)  # fmt: skip
MARKS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "queue": ("grey", ""),
        "waits": ("amber", ""),
        "rejected": ("red", "70 14"),
        "failed": ("ink", "12 12"),
        "holds": ("blue", ""),
        "served": ("blue", ""),
        "used": ("blue", ""),
        "free": ("green", "60 25"),
        "backends": ("ink", "18 18"),
        "waiting": ("amber", ""),
        "usable": ("ink", "60 25"),
        "forecast": ("ink", "60 25"),
        "turn": ("blue", ""),
        "fair": ("ink", "60 25"),
        "better": ("blue", ""),
        "equivalent": ("green", ""),
        "undecided": ("amber", "26 18"),
        "margin": ("line", ""),
        "s1": ("blue", ""),
        "s2": ("amber", "90 25"),
        "s3": ("green", "30 20"),
        "s4": ("red", "90 20 20 20"),
        "s5": ("purple", "50 15"),
        "s6": ("grey", ""),
        "s7": ("ink", "15 15"),
    }
)
"""Mark → its colour and its dashes, in tenths of a pixel."""
SERIES: Final = 7
"""How many stacks have a line of their own in one panel."""
THICK: Final = (
    "queue",
    "waits",
    "rejected",
    "failed",
    "holds",
    "served",
    "better",
    "equivalent",
    "undecided",
    "margin",
)
"""Those whose width is in their paths; the others are lines."""


def properties(scheme: Scheme) -> str:
    """The colours of a scheme as custom properties."""
    return "".join(f"--chart-{name}:{value};" for name, value in COLOURS[scheme].items())


def marks() -> str:
    """How everything in a chart is drawn, whatever the scheme."""
    rules = [
        ".chart{display:block;width:100%;height:auto;overflow:visible;fill:none;stroke-width:17}",
        ".chart text{font:100px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:var(--chart-muted)}",
        ".chart .m{text-anchor:middle}.chart .e{text-anchor:end}",
        ".chart .grid{stroke:var(--chart-line);stroke-width:8}",
        ".chart .c-band{stroke:var(--chart-muted);opacity:.28}",
        ".chart .c-moment{stroke:var(--chart-ink);stroke-width:10;stroke-dasharray:30 20}",
        ".chart:focus-visible{outline:2px solid var(--chart-blue);outline-offset:2px}",
        ".chart.key{display:inline-block;width:22px;height:11px;vertical-align:-1px}",
    ]
    for name, (colour, dashes) in MARKS.items():
        dashed = f";stroke-dasharray:{dashes}" if dashes else ""
        rules.append(f".chart .c-{name}{{stroke:var(--chart-{colour}){dashed}}}")
    rules += [
        ".chart .c-band{stroke-dasharray:none}",
        ".chart .c-dot{stroke-linecap:round;stroke-width:36;stroke-dasharray:none}",
    ]
    return "\n".join(rules)


STYLE: Final = f"""\
:root{{{properties("light")}}}
@media(prefers-color-scheme:dark){{:root:not([data-theme=light]){{{properties("dark")}}}}}
:root[data-theme=dark]{{{properties("dark")}}}
@media print{{:root:root{{{properties("light")}}}}}
{marks()}
"""
"""The style of charts in a page; `data-theme` on the root overrules what the reader's system prefers."""


def swatch(css: str) -> str:
    """A mark of a legend, as it is drawn in its chart."""
    kinds = {name.removeprefix("c-") for name in css.split()}
    path = "M110 55h0" if "dot" in kinds else "M0 55h220"
    wide = ' stroke-width="80"' if kinds & {*THICK, "band"} else ""
    mark = f'<path class="{escape(css)}"{wide} d="{path}"/>'
    return f'<svg class="chart key" viewBox="0 0 220 110" aria-hidden="true">{mark}</svg>'
