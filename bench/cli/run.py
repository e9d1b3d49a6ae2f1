"""`bench run`: plays a plan, and prints what it found."""

from pathlib import Path

import click

from bench.record.schema import Plan
from bench.report.formats import terminal
from bench.run.repetitions import spoiled
from bench.run.session import Surroundings, play_plan


def run_plan(plan: Plan, out: Path | None, around: Surroundings, *, resume: bool) -> int:
    """Returns 1 where a cell failed, or its audit says that the service is wrong."""
    finished = play_plan(plan, out, around, lambda text: click.echo(text, err=True), resume=resume)
    click.echo(terminal.report(finished.view))
    directory = finished.directory
    click.echo(f"\nresults: {directory}   (bench report {directory} makes the tables again)")
    return 1 if any(map(spoiled, finished.view.run.cells)) else 0
