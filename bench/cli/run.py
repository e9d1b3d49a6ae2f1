"""`bench run` and `bench forecast`: scenarios of a profile, played and printed, or foretold."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import (
    AUTO,
    LAYER,
    PROFILE,
    RELEASE,
    SCENARIO,
    SERVICE,
    SERVICE_AT,
    TUNING,
    Repeat,
    which,
    with_database,
    with_format,
    with_stacks,
    with_which,
)
from bench.cli.screen import screen, show, show_run
from bench.errors import UserError
from bench.record.schema import Layer, Plan, names_of
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.profiles import PROFILES
from services.common.contract import Release
from services.stacks import STACKS

if TYPE_CHECKING:
    from bench.report.view import View
    from bench.run.session import Finished, Surroundings
    from bench.targets.columns import Column
    from bench.targets.libraries import Libraries

# As in `main`, what plays is imported inside: polars alone takes most of a second.


@click.command()
@click.option(
    "--target",
    metavar="[local|compose|URL]",
    help="Where the services are: processes of the bench's own (the default), the Compose stack, or an address.",
)
@click.option(
    "-s",
    "--service",
    "services",
    type=SERVICE_AT,
    multiple=True,
    metavar="NAME[=URL]",
    help=f"Only this one ({', '.join(STACKS)}), or one that runs elsewhere under a name of your own; may be repeated.",
)
@click.option(
    "--with",
    "with_",
    multiple=True,
    metavar="NAME==VERSION",
    help="One more column of each stack that is made with NAME: with this version in place of the locked one, or by "
    "NAME@PATH with what a source tree builds; several belong together by commas; may be repeated.",
)
@click.option(
    "-x", "--scenario", "scenarios", type=SCENARIO, multiple=True, help="Only this one (bench list); may be repeated."
)
@click.option(
    "--layer",
    type=LAYER,
    default="http",
    show_default=True,
    help="What is asked: each service over HTTP, or its pool alone by tasks or threads in a process of its own.",
)
@click.option(
    "--release",
    type=RELEASE,
    help="How each connection is given back: by a call, or by leaving the library's context manager; else as each "
    "scenario says.",
)
@click.option(
    "--profile",
    type=PROFILE,
    default="quick",
    show_default=True,
    help="Which scenarios, with which hold, and how many repetitions (bench list).",
)
@click.option(
    "--tuning",
    type=TUNING,
    default="equalised",
    show_default=True,
    help="The same settings in every pool, or each library's own defaults.",
)
@click.option("--hold-ms", type=click.IntRange(1, 60_000), help="Another hold than the profile's.")
@click.option(
    "--aa",
    type=SERVICE,
    help="This one against itself, under several names: a winner is a false one.",
)
@click.option(
    "--names", type=click.IntRange(2, 12), metavar="K", help="Under how many names --aa plays it; 2 by default."
)
@click.option(
    "--repeat",
    type=Repeat(1, 1000),
    metavar="[N|auto]",
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
@with_format("json")
@click.option("--details", is_flag=True, help="Print every table, verdicts and audit above the summary.")
@with_which
@with_stacks
@with_database
def run(
    target: str | None,
    services: tuple[str, ...],
    stacks: str,
    with_: tuple[str, ...],
    scenarios: tuple[str, ...],
    layer: Layer,
    release: Release | None,
    profile: str,
    tuning: str,
    hold_ms: int | None,
    aa: str | None,
    names: int | None,
    repeat: int | str | None,
    seed: int,
    out: Path | None,
    resume: bool,
    grafana: str | None,
    form: str,
    details: bool,
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
    from bench.run.session import Surroundings
    from bench.targets.columns import columns, interleaved
    from bench.targets.where import where

    if aa and (services or target not in (None, "local")):
        raise UserError("--aa plays one service of the bench's own against itself: leave out -s and --target")
    if stacks != "usual" and (aa or services):
        raise UserError(f"--stacks {stacks} says which services where none is named: leave it out, or -s and --aa")
    if names and not aa:
        raise UserError("--names says under how many names --aa SERVICE plays one: add it, or leave out --names")
    chosen = PROFILES[profile]
    place = where(target, services, which(stacks))
    if layer == "pool" and place.kind != "local":
        raise UserError("--layer pool is played in processes of the bench's own: leave out --target and addresses")
    if with_ and (aa or place.kind != "local"):
        other = "--aa" if aa else "--target and addresses"
        raise UserError(f"--with starts services of the bench's own with other libraries: leave out {other}")
    named = _in_order(services, STACKS) if services else which(stacks)
    played = names_of(aa, names or 2) if aa else named
    added = columns(with_, played)
    plan = Plan(
        profile=profile,
        tuning=tuning,
        tracing=False,
        hold_ms=hold_ms or chosen.hold_ms,
        repeat=MOST_REPETITIONS if repeat == AUTO else int(repeat or chosen.repeat),
        half_width=WIDE if repeat == AUTO else None,
        seed=seed,
        services=interleaved(played, added),
        scenarios=_in_order(scenarios, SCENARIOS) if scenarios else chosen.scenarios,
        layer=layer,
        release=release,
    )
    _refuse_hold(plan.scenarios, plan.hold_ms)
    if details and form != "terminal":
        raise UserError(f"--details is for a terminal, and --format {form} has everything: leave one out")
    around = Surroundings(
        place=place, database_url=database_url, pg_bin=pg_bin, grafana=grafana, libraries=_libraries(added)
    )
    finished = _played(plan, out, around, resume=resume)
    if form == "json":
        from bench.report.render import render

        click.echo(render(finished.view, "json"), nl=False)
    else:
        show_run(finished.view, finished.directory, details=details)
    sys.exit(_status(finished.view))


def _libraries(added: "Iterable[Column]") -> "dict[str, Libraries]":
    from bench.targets.libraries import libraries

    return {column.name: libraries(column, lambda text: click.echo(text, err=True)) for column in added}


def _played(plan: Plan, out: Path | None, around: "Surroundings", *, resume: bool) -> "Finished":
    from bench.run.session import play_plan

    return play_plan(plan, out, around, lambda text: click.echo(text, err=True), resume=resume)


def _status(view: "View") -> int:
    """1 where a cell failed, or its audit says that the service is wrong."""
    from bench.run.repetitions import spoiled

    return 1 if any(map(spoiled, view.run.cells)) else 0


@click.command()
@click.option(
    "-x", "--scenario", "scenarios", type=SCENARIO, multiple=True, help="Only this one (bench list); may be repeated."
)
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
    what_if, on = WhatIf(pool=pool, acquire_timeout_s=acquire_timeout_s), screen()
    show(forecasts(names, hold_ms or chosen.hold_ms, seed, what_if, on), on)


def _refuse_hold(scenarios: Iterable[str], hold_ms: int) -> None:
    for name in scenarios:
        if why := SCENARIOS[name].refusal(hold_ms):
            raise UserError(f"--hold-ms {hold_ms}: {why}")


def _in_order(chosen: Sequence[str], everything: Iterable[str]) -> tuple[str, ...]:
    """What was chosen, each once, in the order in which the house tells it; all, where nothing was."""
    return tuple(name for name in everything if not chosen or name in chosen)
