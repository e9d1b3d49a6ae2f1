"""The page of a run, and the index of several, as HTML in one file each."""

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bench.metrics.model import Metrics
from bench.record.rows import Key
from bench.report import prose, verdicts
from bench.report.charts import HOVER, STYLE, swatch, verdict_intervals
from bench.report.left_out import failures
from bench.report.matrix import matrix
from bench.report.overview import overview
from bench.report.page import content
from bench.report.page.published import Published
from bench.report.view import View

_HERE: Final = "bench.report.page"
KINDS: Final = ("better", "equivalent", "undecided", "not judged", "CPU-bound")


def page(view: View, metrics: Mapping[Key, Metrics], rows: content.Rows) -> str:
    """A run as one page: nothing in it is asked for elsewhere."""
    sections = tuple(content.sections(view, metrics, rows))
    pairs = content.pairs(view)
    there = {pair.verdict for pair in pairs}
    html: str = _template("run.html").render(
        **_common(),
        title=title(view),
        environment=prose.environment(view),
        plan=prose.plan(view),
        judged=view.judged(),
        services=[(service, view.stack(service)) for service in view.services],
        called=view.stack,
        families=tuple(dict.fromkeys(section.family for section in sections)),
        kinds=[kind for kind in KINDS if kind in there],
        findings=content.findings(view),
        matrix=matrix(view),
        nothing=verdicts.nothing(view),
        intervals=verdict_intervals(view),
        pairs=pairs,
        about_verdicts=verdicts.about(),
        overview=overview(view),
        sections=sections,
        failures=failures(view),
        legend=prose.legend(view),
    )
    return html


def index(runs: Sequence[Published]) -> str:
    """The page that joins the pages of several runs."""
    html: str = _template("index.html").render(**_common(), title="poolbench: results", runs=runs)
    return html


def title(view: View) -> str:
    """`poolbench: standard, equalised`."""
    plan = view.run.plan
    layer = ", pools alone" if plan.layer == "pool" else ""
    release = f", {prose.release(plan)}" if prose.release(plan) else ""
    return f"poolbench: {plan.profile}, {plan.tuning}{layer}{release}"


def _common() -> dict[str, Any]:
    return {"css": Markup(_text("page.css") + STYLE), "js": Markup(_text("page.js") + HOVER)}  # noqa: S704 - our own files


def _text(name: str) -> str:
    return resources.files(_HERE).joinpath(name).read_text(encoding="utf-8")


def _template(name: str) -> Any:
    environment = Environment(
        loader=PackageLoader(_HERE, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["svg"] = Markup
    environment.filters["swatch"] = lambda kind: Markup(swatch(kind))  # noqa: S704 - our own
    return environment.get_template(name)
