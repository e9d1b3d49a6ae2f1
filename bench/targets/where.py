"""What a user says of where services run: the words of `--target` and `--service`."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench.errors import UserError
from bench.record.schema import TargetKind
from bench.targets import compose
from bench.targets.http import address
from services.stacks import STACKS

_NAME: Final = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class Where:
    """What kind of target was asked for, and its addresses; a service without a name is called as it calls itself."""

    kind: TargetKind
    addresses: tuple[tuple[str | None, str], ...] = ()


LOCAL: Final = Where("local")


def where(target: str | None, services: Sequence[str], unnamed: Sequence[str] = ()) -> Where:
    """`--target` and what each `--service` says, NAME or NAME=URL; of the Compose stack those that are `unnamed`, where
    none is. Raises UserError where they do not fit."""
    named = [text for text in services if "=" in text]
    plain = [text for text in services if "=" not in text]
    if named and plain:
        raise UserError(f"-s {named[0]} has an address and -s {plain[0]} has none: write NAME=URL for all or for none")
    if named and target in ("local", "compose"):
        raise UserError(f"--target {target} has its own services and -s {named[0]} runs elsewhere: leave one out")
    if target == "compose":
        compose.require_checkout()
        chosen = [name for name in STACKS if name in (plain or unnamed)]
        return Where("compose", tuple((name, f"http://{compose.HOST}:{STACKS[name].port}") for name in chosen))
    addresses: list[tuple[str | None, str]] = [*_addressed(named)]
    if target in (None, "local"):
        return Where("remote", tuple(addresses)) if named else LOCAL
    url = _address(str(target))
    if plain:
        raise UserError(f"-s {plain[0]} has no address: with --target {url} write -s {plain[0]}=URL, or leave it out")
    if url not in (other for _, other in addresses):
        addresses.insert(0, (None, url))
    return Where("remote", tuple(addresses))


def _address(target: str) -> str:
    if "://" not in target:
        raise UserError(f"unknown target {target!r}: there are local, compose, and addresses as http://host:port")
    return address(target)


def _addressed(named: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each NAME=URL."""
    seen = set[str]()
    for text in named:
        name, _, url = text.partition("=")
        if not _NAME.fullmatch(name):
            raise UserError(f"-s {text}: a name has letters, digits, and . _ - in it: write NAME=URL")
        if name in seen:
            raise UserError(f"-s {name} has two addresses: give each a name of its own, -s NAME=URL")
        seen.add(name)
        yield name, address(url)
