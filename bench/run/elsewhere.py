"""Services that run elsewhere: named by the user, met, taken or refused, and left as they were found.

In: the words of `--target` and `--service`. Out: the `Target` of a run, or one line that says what to change.

They are only read before the run: a conformance check leaks, resizes and exhausts, which is for a process of its own.
"""

import http.client
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from bench.check import check
from bench.errors import UserError
from bench.postgres.database import Database, backends, connect, reachable
from bench.record.schema import Plan, TargetKind
from bench.run.target import Target
from bench.targets import compose
from bench.targets.http import Client, ServiceError, address
from bench.targets.url import ANSWER_S, NO_ANSWER, Remote, restore
from services.common import contract
from services.stacks import STACKS

READ_ONLY: Final = ("health", "stats", "configuration", "queries")
"""The checks that are made of a service that is not ours to exhaust."""
_NAME: Final = re.compile(r"[\w.-]+")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Where:
    """What kind of target was asked for, and its addresses; a service without a name is called as it calls itself."""

    kind: TargetKind
    addresses: tuple[tuple[str | None, str], ...] = ()


LOCAL: Final = Where("local")


def where(target: str | None, services: Sequence[str]) -> Where:
    """`--target` and what each `--service` says, NAME or NAME=URL. Raises UserError where they do not fit."""
    named = [text for text in services if "=" in text]
    plain = [text for text in services if "=" not in text]
    if named and plain:
        raise UserError(f"-s {named[0]} has an address and -s {plain[0]} has none: write NAME=URL for all or for none")
    if named and target in ("local", "compose"):
        raise UserError(f"--target {target} has its own services and -s {named[0]} runs elsewhere: leave one out")
    if target == "compose":
        chosen = [name for name in STACKS if not plain or name in plain]
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


@contextmanager
def elsewhere(place: Where, tuning: str, database_url: str | None, say: Say) -> Iterator[Target]:
    """The target of a run over services that run elsewhere; afterwards, these are as they were found.

    Raises UserError for a service that does not answer, or cannot be what is asked for.
    """
    met = _taken(place, tuning)
    database = _database(place.kind, database_url, say)
    if database:
        met, database = _connected(met, database, say, given=database_url is not None)
    say(
        f"{', '.join(remote.name for remote in met)}: what can be read without harm is as the contract says; "
        "bench check URL proves the rest"
    )
    try:
        yield Target(database, local=False, remote={remote.name: remote for remote in met})
    finally:
        for remote in met:
            try:
                restore(remote)
            except NO_ANSWER as error:
                say(f"{remote.name} is not as it was found: {error or type(error).__name__}")


def planned(plan: Plan, kind: TargetKind, target: Target) -> Plan:
    """The plan with what the services say of themselves."""
    return replace(
        plan,
        services=tuple(target.remote),
        target=kind,
        urls={name: remote.base_url for name, remote in target.remote.items()},
        tracing=any(remote.found["tracing"] for remote in target.remote.values()),
    )


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


def _taken(place: Where, tuning: str) -> list[Remote]:
    """All services, met and found fit; raises UserError."""
    met = [_meet(name, url, place.kind) for name, url in place.addresses]
    for name, count in Counter(remote.name for remote in met).items():
        if count > 1:
            raise UserError(f"{count} services are called {name}: give each a name of its own, -s NAME=URL")
    for remote in met:
        _refuse_unfit(remote, tuning)
    _refuse_mixed_tracing(met)
    return met


def _meet(name: str | None, url: str, kind: TargetKind) -> Remote:
    """A service as it is found. Raises UserError where none of this contract answers."""
    try:
        with Client(url, ANSWER_S) as client:
            found = client.get(contract.CONFIG)
    except (OSError, http.client.HTTPException) as error:
        start = "docker compose up -d" if kind == "compose" else "start the service"
        other = "take other services with -s" if kind == "compose" else "correct the address"
        raise UserError(f"nothing answers on {url}: {start}, or {other}") from error
    except ServiceError as error:
        raise UserError(f"what answers on {url} is no service of this contract: {error}") from error
    try:
        failed = check(url, only=READ_ONLY).failed
    except UserError as error:
        raise UserError(f"{url}: {error}") from error
    if failed:
        raise UserError(
            f"{url} does not keep the contract in {failed[0].name}: {failed[0].detail}; bench check {url} says more"
        )
    own = found["service"]
    if name in STACKS and name != own:
        raise UserError(f"{url} is {own}, not {name}: call it so, or by a name that is none of this project's services")
    return Remote(name=name or own, base_url=url, found=found)


def _refuse_unfit(remote: Remote, tuning: str) -> None:
    """What is fixed while a service runs must be as it is asked for."""
    found = remote.found
    if found["workers"] > 1:
        raise UserError(
            f"{remote.name} has {found['workers']} worker processes, and what it says is of one of them: "
            "start it with WORKERS=1"
        )
    if found["tuning"] != tuning:
        raise UserError(
            f"{remote.name}: tuning is {found['tuning']} there and {tuning} was asked for: "
            f"start the service with TUNING={tuning}, or run with --tuning {found['tuning']}"
        )


def _refuse_mixed_tracing(met: Sequence[Remote]) -> None:
    on = [remote.name for remote in met if remote.found["tracing"]]
    if on and len(on) < len(met):
        off = next(remote.name for remote in met if not remote.found["tracing"])
        raise UserError(f"tracing costs time, and is on in {on[0]} and off in {off}: make it alike, or run each alone")


def _database(kind: TargetKind, url: str | None, say: Say) -> Database | None:
    """The given PostgreSQL, or the one that Compose publishes, if it answers."""
    if url is None and kind != "compose":
        return None
    database = Database.from_url(url) if url else compose.settings().database
    try:
        reachable(database)
    except UserError:
        if url is not None:
            raise
        say(f"no PostgreSQL answers on {database.host}:{database.port}: its own view is missing (--database-url)")
        return None
    return database


def _connected(
    met: Sequence[Remote], database: Database, say: Say, *, given: bool
) -> tuple[list[Remote], Database | None]:
    """Which services have connections in this database, and can be told apart there; None where none has.

    Raises UserError where the user said that it is theirs.
    """
    called = Counter(remote.service for remote in met)
    with connect(database) as connection:
        found = [
            replace(
                remote,
                same_database=backends(connection, remote.service).total > 0,
                alone=called[remote.service] == 1,
            )
            for remote in met
        ]
    absent = [remote.name for remote in found if not remote.same_database]
    if not absent:
        return found, database
    said = f"no connection of {', '.join(absent)} is in {database}"
    if given and len(absent) == len(found):
        raise UserError(f"{said}: give the PostgreSQL that is used there, or leave --database-url out")
    say(f"{said}: PostgreSQL's own view is missing, and scenarios that load its CPU or cut connections are skipped")
    return found, database if len(absent) < len(found) else None
