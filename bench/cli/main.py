"""The commands. Each body is: parse, one call, print.

Exit status: 0 as asked, 1 a failed run or check, 2 wrong use (one line that says what to change), 3 a regression that
`compare` found, 130 interrupted.
"""

import os
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import (
    AUTO,
    FORMAT,
    LAYER,
    PROFILE,
    SCENARIO,
    SERVICE_AT,
    TUNING,
    CheckTarget,
    OneOf,
    Repeat,
    with_database,
    with_stacks,
)
from bench.errors import UserError
from bench.record.schema import Layer
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.profiles import PROFILES
from services.stacks import STACKS

if TYPE_CHECKING:
    from bench.report.render import Format

# The commands' own modules are imported inside them: polars alone takes most of a second.


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="poolbench", prog_name="bench")
def cli() -> None:
    """Connection pool exhaustion, stack by stack, side by side."""


@cli.command("list")
@with_stacks
def list_() -> None:
    """The scenarios, profiles and services there are."""
    from bench.report.listing import listing

    click.echo(listing())


@cli.command()
@click.argument("targets", nargs=-1, type=CheckTarget("service", STACKS), metavar="[URL|SERVICE]...")
@click.option("--tuning", type=TUNING, default="equalised", show_default=True)
@with_stacks
@with_database
def check(targets: tuple[str, ...], tuning: str, database_url: str | None, pg_bin: Path | None) -> None:
    """Does a service keep the HTTP contract? A URL must be one that may be exhausted and resized."""
    from bench.cli.checks import check_targets

    sys.exit(check_targets(targets or tuple(STACKS), tuning, database_url, pg_bin))


@cli.command()
@click.option(
    "--target",
    metavar="local|compose|URL",
    help="Where the services are: processes of the bench's own (the default), the Compose stack, or an address.",
)
@click.option(
    "-s",
    "--service",
    "services",
    type=SERVICE_AT,
    multiple=True,
    metavar="NAME[=URL]",
    help="Only this one, or one that runs elsewhere under a name of your own; may be repeated.",
)
@click.option("-x", "--scenario", "scenarios", type=SCENARIO, multiple=True, help="Only this one; may be repeated.")
@click.option(
    "--layer",
    type=LAYER,
    default="http",
    show_default=True,
    metavar="http|pool",
    help="What is asked: each service over HTTP, or its pool alone by tasks or threads in a process of its own.",
)
@click.option("--profile", type=PROFILE, default="quick", show_default=True)
@click.option("--tuning", type=TUNING, default="equalised", show_default=True)
@click.option("--hold-ms", type=click.IntRange(1, 60_000), help="Another hold than the profile's.")
@click.option(
    "--aa",
    metavar="SERVICE",
    type=OneOf("service", STACKS),
    help="This one against itself, under two names: a winner is a false one.",
)
@click.option(
    "--repeat",
    type=Repeat(1, 1000),
    metavar="N|auto",
    help="Another number of repetitions than the profile's; auto: 10 to 30, until each scenario's figure is certain.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Where the results go; by default a new folder in results/."
)
@click.option("--resume", is_flag=True, help="Go on with the interrupted run in --out.")
@click.option(
    "--grafana",
    metavar="URL",
    help="Mark cells and faults there (or set GRAFANA_URL); the Compose stack's by default, with --target compose.",
)
@with_stacks
@with_database
def run(
    target: str | None,
    services: tuple[str, ...],
    scenarios: tuple[str, ...],
    layer: Layer,
    profile: str,
    tuning: str,
    hold_ms: int | None,
    aa: str | None,
    repeat: int | str | None,
    seed: int,
    out: Path | None,
    resume: bool,
    grafana: str | None,
    database_url: str | None,
    pg_bin: Path | None,
) -> None:
    """Play scenarios against each service, and show them side by side.

    By default every cell starts a service process of its own over an embedded PostgreSQL. With --target compose, or
    with addresses, it is played on services that run already: each cell sets their hold, acquire timeout and pool
    through POST /admin/config, and in the end they are as they were found. Tuning, workers and threads are theirs; what
    is not as asked for is refused before anything is measured. --database-url is then their PostgreSQL as seen from
    here: its view of the pool is recorded, and scenarios that load its CPU or cut connections can be played.

    \b
    bench run --target compose
    bench run --target http://host:8000
    bench run -s mine=http://host:8000 -s other=http://host:8010 --database-url postgresql://…
    """
    from bench.analysis.stability import MOST_REPETITIONS, WIDE
    from bench.cli.run import run_plan
    from bench.record.schema import AGAIN, Plan
    from bench.run.session import Surroundings
    from bench.targets.where import where

    if aa and (services or target not in (None, "local")):
        raise UserError("--aa plays one service of the bench's own against itself: leave out -s and --target")
    chosen = PROFILES[profile]
    place = where(target, services)
    if layer == "pool" and place.kind != "local":
        raise UserError("--layer pool is played in processes of the bench's own: leave out --target and addresses")
    plan = Plan(
        profile=profile,
        tuning=tuning,
        tracing=False,
        hold_ms=hold_ms or chosen.hold_ms,
        repeat=MOST_REPETITIONS if repeat == AUTO else int(repeat or chosen.repeat),
        half_width=WIDE if repeat == AUTO else None,
        seed=seed,
        services=(aa, aa + AGAIN) if aa else _in_order(services, STACKS),
        scenarios=_in_order(scenarios, SCENARIOS) if scenarios else chosen.scenarios,
        layer=layer,
    )
    _refuse_hold(plan.scenarios, plan.hold_ms)
    around = Surroundings(place=place, database_url=database_url, pg_bin=pg_bin, grafana=grafana)
    sys.exit(run_plan(plan, out, around, resume=resume))


@cli.command()
@click.option("-x", "--scenario", "scenarios", type=SCENARIO, multiple=True, help="Only this one; may be repeated.")
@click.option("--profile", type=PROFILE, default="quick", show_default=True)
@click.option("--hold-ms", type=click.IntRange(1, 60_000), help="Another hold than the profile's.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True)
@click.option("--pool", type=click.IntRange(1, 10_000), help="What if every pool had this size?")
@click.option(
    "--timeout",
    "acquire_timeout_s",
    type=click.FloatRange(0, 86_400, min_open=True),
    metavar="S",
    help="What if the acquire timeout were so many seconds?",
)
def forecast(
    scenarios: tuple[str, ...],
    profile: str,
    hold_ms: int | None,
    seed: int,
    pool: int | None,
    acquire_timeout_s: float | None,
) -> None:
    """What must each scenario give, by arithmetic or simulation? Runs nothing, and needs nothing running."""
    from bench.report.forecasts import WhatIf, forecasts

    chosen = PROFILES[profile]
    names = _in_order(scenarios, SCENARIOS) if scenarios else chosen.scenarios
    _refuse_hold(names, hold_ms or chosen.hold_ms)
    click.echo(
        forecasts(names, hold_ms or chosen.hold_ms, seed, WhatIf(pool=pool, acquire_timeout_s=acquire_timeout_s))
    )


@cli.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--format", "format_", type=FORMAT, default="terminal", show_default=True)
@click.option("--readme", type=click.Path(path_type=Path), help="Fill the results section of this file instead.")
@click.option(
    "--chart", type=click.Path(path_type=Path), metavar="FILE", help="Draw -x there instead, as .svg or .png."
)
@click.option("-x", "--scenario", type=SCENARIO, help="What --chart draws.")
@click.option(
    "--beside",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Show what HTTP adds instead: this run and one on the other layer (run --layer pool).",
)
def report(
    directory: Path,
    format_: "Format",
    readme: Path | None,
    chart: Path | None,
    scenario: str | None,
    beside: Path | None,
) -> None:
    """Make the tables of a run again, or a picture of a scenario, from its files alone."""
    from bench.cli.stored import beside_run, draw_run, report_run

    if (chart is None) is not (scenario is None):
        raise UserError("--chart FILE and -x SCENARIO go together: where to draw, and what")
    if beside and (readme or chart):
        raise UserError("--beside makes tables of its own: leave out --readme and --chart")
    if beside:
        beside_run(directory, beside, format_)
    elif chart and scenario:
        draw_run(directory, scenario, chart)
    else:
        report_run(directory, format_, readme)


@cli.command()
@click.argument("run_a", type=click.Path(path_type=Path))
@click.argument("run_b", type=click.Path(path_type=Path))
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1000),
    metavar="PCT",
    help="A change under this many percent is a tie; 5 where nothing is said.",
)
def compare(run_a: Path, run_b: Path, threshold: float | None) -> None:
    """What changed from one stored run to another? Exit status 3 where something is worse.

    Each scenario and service that both have, on the scenario's primary figure; ten repetitions in each run judge.
    """
    from bench.cli.stored import compare_runs

    sys.exit(compare_runs(run_a, run_b, threshold))


@cli.command()
@click.option(
    "--base-port",
    type=click.IntRange(1024, 65_000),
    help="Serve them on the ports from here on; by default each on its own (bench list).",
)
@with_stacks
@with_database
def lab(base_port: int | None, database_url: str | None, pg_bin: Path | None) -> None:
    """All services, for curl, until Ctrl-C, with the pools, hold and acquire timeout that the environment sets."""
    from bench.cli.lab import serve

    sys.exit(serve(base_port, database_url, pg_bin))


def _refuse_hold(scenarios: Iterable[str], hold_ms: int) -> None:
    for name in scenarios:
        if why := SCENARIOS[name].refusal(hold_ms):
            raise UserError(f"--hold-ms {hold_ms}: {why}")


def _in_order(chosen: Sequence[str], everything: Iterable[str]) -> tuple[str, ...]:
    """What was chosen, each once, in the order in which the house tells it; all, where nothing was."""
    return tuple(name for name in everything if not chosen or name in chosen)


def main() -> None:
    """`bench`, from a shell."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    obey(sys.argv[1:])


def obey(arguments: Sequence[str]) -> None:
    """One command: errors that a user can cause are one line; everything else is a bug and keeps its traceback.

    Raises SystemExit with the status, where it is not 0.
    """
    try:
        cli.main(arguments, prog_name="bench", standalone_mode=False)
    except UserError as error:
        sys.exit(_refuse(str(error)))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.ClickException as error:
        sys.exit(_refuse(error.format_message()))
    except (KeyboardInterrupt, click.Abort):
        click.echo("\nbench: interrupted; what was finished is kept", err=True)
        sys.exit(130)
    except BrokenPipeError:  # `bench report … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _refuse(text: str) -> int:
    click.echo(f"bench: {text}", err=True)
    return 2


if __name__ == "__main__":
    main()
