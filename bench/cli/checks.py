"""`bench check`: services by name, each on a process of its own, and URLs as they are."""

from pathlib import Path
from typing import Final

import click

from bench.check import Report, check
from bench.cli.screen import screen, show
from bench.report.formats import junit
from bench.report.listing import check_json, check_table
from bench.run.checks import check_service
from bench.targets.installed import require_libraries
from bench.targets.postgres import postgres

WHOLE: Final = {"json": check_json, "junit": junit.checks}
"""Formats that are printed when all is known."""


def check_targets(
    targets: tuple[str, ...], tuning: str, form: str, database_url: str | None, pg_bin: Path | None
) -> int:
    """Checks services, each on a process of its own, and URLs as they are; returns 1 where one fails."""
    found: dict[str, Report | str] = {}
    on = screen()

    def ended(name: str, report: Report | None, said: str) -> None:
        found[name] = report or said
        if form == "terminal":
            show(f"{check_table(report, on)}\n" if report else f"{name}: {said}", on)

    for url in (target for target in targets if "://" in target):
        ended(url, check(url, on_progress=_nothing), "")
    names = [target for target in targets if "://" not in target]
    if names:
        require_libraries(names)
        with postgres(database_url, pg_bin) as (database, server):
            for name in names:
                checked = check_service(name, database, {"tuning": tuning}, _nothing)
                if server and checked.refused:
                    server.refuse_death()
                ended(name, checked.report, str(checked))
    if form in WHOLE:
        click.echo(WHOLE[form](found).rstrip("\n"))
    return 0 if all(isinstance(report, Report) and report.passed for report in found.values()) else 1


def _nothing(_: str) -> None:
    """A check is short enough to wait for."""
