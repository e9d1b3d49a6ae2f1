"""`bench check`: services by name, each on a process of its own, and URLs as they are."""

from pathlib import Path

import click

from bench.check import Report, check
from bench.report.listing import check_table
from bench.run.checks import check_service
from bench.targets.postgres import postgres


def check_targets(targets: tuple[str, ...], tuning: str, database_url: str | None, pg_bin: Path | None) -> int:
    """Checks services, each on a process of its own, and URLs as they are; returns 1 where one fails."""
    reports = [_show(check(target, on_progress=_nothing)) for target in targets if "://" in target]
    names = [target for target in targets if "://" not in target]
    failed = sum(not report.passed for report in reports)
    if names:
        with postgres(database_url, pg_bin) as (database, server):
            for name in names:
                checked = check_service(name, database, {"tuning": tuning}, _nothing)
                if server and checked.refused:
                    server.refuse_death()
                if checked.report is None:
                    click.echo(f"{name}: {checked}")
                else:
                    _show(checked.report)
                failed += checked.refused is not None
    return 1 if failed else 0


def _show(report: Report) -> Report:
    click.echo(check_table(report))
    return report


def _nothing(_: str) -> None:
    """A check is short enough to wait for."""
