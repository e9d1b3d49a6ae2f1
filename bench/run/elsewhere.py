"""Services that run elsewhere: met, taken or refused, and left as they were found.

They are only read before the run: a conformance check leaks, resizes and exhausts, which is for a process of its own.
"""

import http.client
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from bench.check import check
from bench.errors import UserError
from bench.postgres.database import Database, backends, connect, reachable
from bench.record.schema import Plan, TargetKind
from bench.targets import compose
from bench.targets.http import Client, ServiceError
from bench.targets.target import Target
from bench.targets.url import ANSWER_S, NO_ANSWER, Remote, restore
from bench.targets.where import Where
from services.common import contract
from services.stacks import STACKS

READ_ONLY: Final = ("health", "stats", "configuration", "queries")
"""The checks that are made of a service that is not ours to exhaust."""

Say = Callable[[str], None]


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
