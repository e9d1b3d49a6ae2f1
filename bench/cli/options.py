"""What the commands take on their lines: names out of a few, addresses, numbers of repetitions."""

import difflib
from collections.abc import Collection
from pathlib import Path
from typing import Any, get_args

import click

from bench.errors import UserError
from bench.record.schema import Layer
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.profiles import PROFILES
from services.common import contract
from services.stacks import STACKS, StackError, load


class OneOf(click.ParamType[str]):
    """A name out of a few; another is refused, and the nearest suggested.

    The names are looked up when one is read: `--stacks-from` adds to those of the services.
    """

    def __init__(self, what: str, names: Collection[str]) -> None:
        self.name = what
        self._names = names

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        if value in self._names:
            return str(value)
        near = difflib.get_close_matches(str(value), self._names, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(self._names)}"
        raise UserError(f"unknown {self.name} {value!r}: {hint}")


class CheckTarget(OneOf):
    """A service's name, or the URL of one that runs already."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if str(value).startswith(("http://", "https://")):
            return str(value)
        return super().convert(value, param, ctx)


class ServiceAt(OneOf):
    """A service's name, or NAME=URL for one that runs elsewhere; what the two halves are is looked at later."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value) if "=" in str(value) else super().convert(value, param, ctx)


class Repeat(click.IntRange):
    """A number of repetitions, or `auto`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value == AUTO else super().convert(value, param, ctx)


AUTO = "auto"
DATABASE_URL = "POOLBENCH_DATABASE_URL"
SERVICE_AT = ServiceAt("service", STACKS)
SCENARIO = OneOf("scenario", SCENARIOS)
PROFILE = OneOf("profile", PROFILES)
LAYER = OneOf("layer", get_args(Layer))
RELEASE = OneOf("release", get_args(contract.Release))
TUNING = OneOf("tuning", get_args(contract.Tuning))
FORMAT = OneOf("format", ("terminal", "md", "json"))
EXPORT = OneOf("format", ("csv",))

database_options = (
    click.option(
        "--database-url",
        envvar=DATABASE_URL,
        metavar="URL",
        help=f"Use this PostgreSQL instead of an embedded one (or set {DATABASE_URL}, which shows in no list of "
        "processes).",
    ),
    click.option(
        "--pg-bin",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="PostgreSQL binaries for the embedded one (or set PG_BIN).",
    ),
)


def with_database(command: Any) -> Any:
    for option in reversed(database_options):
        command = option(command)
    return command


def _take_stacks(_: click.Context, __: click.Parameter, directory: Path | None) -> None:
    if directory is not None:
        try:
            load(directory)
        except StackError as error:
            raise UserError(str(error)) from error


def with_stacks(command: Any) -> Any:
    """Eager: the stacks are there before any name on the command line is looked up."""
    return click.option(
        "--stacks-from",
        type=click.Path(path_type=Path),
        metavar="DIR",
        is_eager=True,
        expose_value=False,
        callback=_take_stacks,
        help="Also the stacks of DIR/stacks.py (see docs/own-stack.md).",
    )(command)
