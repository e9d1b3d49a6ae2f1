"""What the commands take on their lines: names out of a few, addresses, numbers of repetitions."""

import difflib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, get_args

import click
import click.shell_completion

from bench.errors import UserError
from bench.record.schema import Layer
from bench.scenarios.catalogue import SCENARIOS
from bench.scenarios.profiles import PROFILES
from services.common import contract
from services.stacks import STACKS, usual
from services.stacks_from import StackError, load


class OneOf(click.ParamType[str]):
    """A name out of a few; another is refused, and the nearest suggested.

    Help shows them, unless they are `many`, and then says where they are told. The names are looked up when one is
    read: `--stacks-from` adds to those of the services.
    """

    def __init__(self, what: str, names: Collection[str], *, many: bool = False) -> None:
        self.name = what
        self._names = names
        self._many = many

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        if value in self._names:
            return str(value)
        near = difflib.get_close_matches(str(value), self._names, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(self._names)}"
        raise UserError(f"unknown {self.name} {value!r}: {hint}")

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:  # noqa: ARG002
        return None if self._many else f"[{'|'.join(self._names)}]"

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[click.shell_completion.CompletionItem]:
        return [click.shell_completion.CompletionItem(name) for name in self._names if name.startswith(incomplete)]


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
SERVICE = OneOf("service", STACKS)
SERVICE_AT = ServiceAt("service", STACKS)
SCENARIO = OneOf("scenario", SCENARIOS, many=True)
PROFILE = OneOf("profile", PROFILES)
LAYER = OneOf("layer", get_args(Layer))
RELEASE = OneOf("release", get_args(contract.Release))
TUNING = OneOf("tuning", get_args(contract.Tuning))
EXPORT = OneOf("format", ("csv",))
ALL = "all"


def with_format(*forms: str) -> Callable[[Any], Any]:
    """`--format`, a terminal's by default."""
    return click.option(
        "--format",
        "form",
        type=OneOf("format", ("terminal", *forms)),
        default="terminal",
        show_default=True,
        help="What is printed; docs/commands.md says what each holds.",
    )


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


def which(stacks: str) -> tuple[str, ...]:
    """The names of the stacks that `--stacks` says."""
    return tuple(STACKS) if stacks == ALL else tuple(stack.name for stack in usual())


def with_which(command: Any) -> Any:
    """`--stacks`, the usual ones by default."""
    return click.option(
        "--stacks",
        type=OneOf("stacks", ("usual", ALL)),
        default="usual",
        show_default=True,
        help="Where none is named: the usual ones, or all of `bench list`.",
    )(command)


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
