"""One scenario of a stored run as one picture: its charts under each other."""

from dataclasses import replace

from bench.analysis.summary import measure
from bench.errors import UserError
from bench.record.stored import Stored
from bench.report.charts import charts
from bench.report.charts.picture import pictures
from bench.report.tables import scenario_table
from bench.report.view import View, view_of


def scenario_picture(stored: Stored, scenario: str) -> str:
    """An SVG file, the same from the same run; raises UserError where the run has nothing to draw of the scenario."""
    cells = tuple(cell for cell in stored.run.cells if cell.scenario == scenario)
    if not any(cell.status in ("ok", "rejected") for cell in cells):
        names = {cell.scenario for cell in stored.run.cells if cell.status == "ok"}
        raise UserError(f"this run has no {scenario} to draw: it has {', '.join(sorted(names)) or 'nothing'}")
    run = replace(stored.run, cells=cells, plan=replace(stored.run.plan, scenarios=(scenario,)))
    rows = list(stored.rows([cell.key for cell in cells]))
    view = view_of(run, measure(rows, run.environment.cores))
    found = charts(view, scenario, rows)
    if not found:
        raise UserError(f"nothing of {scenario} is worth drawing: in this run, no request of it waits for a connection")
    table = scenario_table(view, scenario)
    title = f"{scenario}: {table.question}" if table.question else scenario
    return pictures(found, stacks=view.stack, scheme="light", title=title, about=f"{table.about} · {_origin(view)}")


def _origin(view: View) -> str:
    env = view.run.environment
    return f"measured by poolbench on {env.started[:10]}, {env.cpu}, {env.cores} cores; drawn from its stored samples"
