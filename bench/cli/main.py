"""The commands. Each body is: parse, one call, print.

Exit status: 0 as asked, 1 a failed run or check, or an embedded PostgreSQL that died meanwhile (one line), 2 wrong use
(one line that says what to change), 3 a regression that `compare` found, 130 interrupted.
"""

import errno
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from bench.cli.options import (
    ALL,
    EXPORT,
    SCENARIO,
    TUNING,
    CheckTarget,
    which,
    with_database,
    with_format,
    with_stacks,
    with_which,
)
from bench.cli.run import forecast, run
from bench.cli.screen import screen, show
from bench.errors import PostgresDied, UserError
from bench.surroundings import allow_many_files, forget_other_databases
from services.stacks import STACKS

if TYPE_CHECKING:
    from bench.report.render import Format

# What a command needs is imported inside it: polars alone takes most of a second.

_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="poolbench", prog_name="bench")
def cli() -> None:
    """Connection pool exhaustion, stack by stack, side by side."""


@cli.command("list")
@with_format("json")
@with_stacks
def list_(form: str) -> None:
    """The scenarios, profiles and stacks there are."""
    from bench.report.listing import as_json, listing

    on = screen()
    show(as_json() if form == "json" else listing(on), on)


@cli.command()
@click.argument("targets", nargs=-1, type=CheckTarget("service", STACKS), metavar="[URL|SERVICE]...")
@click.option("--tuning", type=TUNING, default="equalised", show_default=True)
@with_format("json", "junit")
@with_which
@with_stacks
@with_database
def check(
    targets: tuple[str, ...], stacks: str, tuning: str, form: str, database_url: str | None, pg_bin: Path | None
) -> None:
    """Does a service keep the HTTP contract? A URL must be one that may be exhausted and resized.

    Exit status 1 where a check failed.
    """
    from bench.cli.checks import check_targets

    if stacks == ALL and targets:
        raise UserError("--stacks all says which services where none is named: leave it out, or their names")
    sys.exit(check_targets(targets or which(stacks), tuning, form, database_url, pg_bin))


@cli.command()
@click.argument("directory", type=click.Path(path_type=Path), required=False, metavar="[DIR]")
@with_format("md", "html", "json", "csv")
@click.option("--details", is_flag=True, help="Every table, verdicts, audit and how to read them, above the summary.")
@click.option("-x", "--scenario", type=SCENARIO, help="This one alone: its table and its verdicts.")
@click.option("--chart", type=click.Path(path_type=Path), metavar="FILE.svg", help="Draw the charts of -x instead.")
@click.option("--readme", type=click.Path(path_type=Path), help="Fill the results section of this file instead.")
@click.option(
    "--beside",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Show what HTTP adds instead: this run and one on the other layer (run --layer pool).",
)
def report(
    directory: Path | None,
    form: "Format | Literal['html']",
    details: bool,
    scenario: str | None,
    chart: Path | None,
    readme: Path | None,
    beside: Path | None,
) -> None:
    """Show the run in DIR again, from its files alone; without DIR, the newest in results/."""
    from bench.cli.stored import beside_run, draw_run, newest_run, page_run, report_run, report_scenario

    if chart and not scenario:
        raise UserError("--chart draws one scenario: say which by -x SCENARIO")
    if beside and (readme or chart):
        raise UserError("--beside makes tables of its own: leave out --readme and --chart")
    if scenario and (readme or beside):
        raise UserError("-x shows one scenario: leave it out, or --readme and --beside")
    if details and (form != "terminal" or scenario or readme or beside):
        raise UserError("--details is all of a run on a terminal: leave it out, or the rest")
    if form == "html" and (scenario or readme or beside):
        raise UserError("--format html is the page of a whole run: leave it out, or the rest")
    directory = directory or newest_run()
    if form == "html":
        page_run(directory)
    elif beside:
        beside_run(directory, beside, form)
    elif chart and scenario:
        draw_run(directory, scenario, chart)
    elif scenario:
        report_scenario(directory, scenario, form)
    else:
        report_run(directory, form, readme, details=details)


@cli.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--format", type=EXPORT, default="csv", show_default=True, expose_value=False)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Where the files go; by default DIRECTORY/csv."
)
def export(directory: Path, out: Path | None) -> None:
    """Write the tables of a run for other programs: requests, samples of the pool, events, and cells with metrics.

    results/README.md says what each column is. The Parquet files of a run can be read as they are, too.
    """
    from bench.cli.stored import export_run

    export_run(directory, out)


@cli.command()
@click.argument("run_a", type=click.Path(path_type=Path))
@click.argument("run_b", type=click.Path(path_type=Path))
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1000),
    metavar="PCT",
    help="A change under this many percent (or points) is none; 5 where nothing is said.",
)
@with_format("json", "junit")
def compare(run_a: Path, run_b: Path, threshold: float | None, form: str) -> None:
    """What changed from one stored run to another? Exit status 3 where something is worse.

    Each scenario and service that both have, on the scenario's primary figure; ten repetitions in each run judge.
    """
    from bench.cli.stored import compare_runs

    sys.exit(compare_runs(run_a, run_b, threshold, form))


@cli.command()
@click.option(
    "--base-port",
    envvar="BASE_PORT",
    type=click.IntRange(1024, 65_000),
    help="Serve them on the ports from here on; by default each on its own (bench list).",
)
@with_which
@with_stacks
@with_database
def lab(stacks: str, base_port: int | None, database_url: str | None, pg_bin: Path | None) -> None:
    """The services, for curl, until Ctrl-C, with the pools, hold and acquire timeout that the environment sets."""
    from bench.cli.lab import serve

    sys.exit(serve(which(stacks), base_port, database_url, pg_bin))


cli.add_command(run)
cli.add_command(forecast)


def main() -> None:
    """`bench`, from a shell."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    forget_other_databases()
    allow_many_files()
    obey(sys.argv[1:])


def obey(arguments: Sequence[str]) -> None:
    """One command: errors that a user can cause are one line; everything else is a bug and keeps its traceback.

    Raises SystemExit with the status, where it is not 0.
    """
    try:
        cli.main(arguments, prog_name="bench", standalone_mode=False)
    except UserError as error:
        sys.exit(_refuse(str(error)))
    except PostgresDied as died:
        over_progress = "\r\033[K" if sys.stderr.isatty() else ""
        click.echo(f"{over_progress}bench: {died}", err=True)
        sys.exit(1)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.ClickException as error:
        sys.exit(_refuse(error.format_message()))
    except (KeyboardInterrupt, click.Abort):
        click.echo("\nbench: interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:  # `bench report … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        sys.exit(_refuse(f"nothing more can be written ({error.strerror}): make room, on the disk or in TMPDIR"))


def _refuse(text: str) -> int:
    click.echo(f"bench: {text}", err=True)
    return 2
