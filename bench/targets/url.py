"""A service that runs elsewhere: told through its own contract what to be, and put back as it was found.

Its process is not fresh for a cell, its pool is. Nothing here looks at, starts or ends a process.
"""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Final, Self

import psutil

from bench.targets.http import Client, ServiceError
from bench.targets.process import ServiceDied
from bench.targets.service import Usage
from services.common import contract

SETTABLE: Final = (
    "work_time_ms",
    "work_kind",
    "work_units",
    "pool_acquire_timeout",
    "pool_min_size",
    "pool_max_size",
)
"""What `POST /admin/config` changes; `tuning`, workers and threads are fixed while a service runs."""
ANSWER_S: Final = 15.0
"""A new pool that cannot connect is told after 10 s."""
REST_S: Final = 15.0
"""What a service has, beyond acquire timeout and hold, to come to rest."""
NO_ANSWER: Final = (OSError, http.client.HTTPException, ServiceError)


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A service that was met: what the run calls it, where it is, and its configuration as it was found."""

    name: str
    base_url: str
    found: Mapping[str, Any] = field(repr=False)
    same_database: bool = False
    """Connections of this service's name are in the database that the bench looks at."""
    alone: bool = True
    """No other service of the run goes by the same name there."""

    @property
    def service(self) -> str:
        """What it calls itself."""
        return str(self.found["service"])


class RemoteService:
    """A service elsewhere while one cell is played on it.

    Entering puts the settings in force and waits until it is at rest; raises OSError, HTTPException or ServiceError.
    Leaving gives back what leaked; raises ServiceDied where that cannot be done any more.
    """

    alive = True
    """Not asked for while the load runs: a probe would take a thread there. Leaving finds out."""

    def __init__(self, remote: Remote, settings: Mapping[str, Any]) -> None:
        self.name = remote.name
        self.base_url = remote.base_url
        self.application_name = remote.service if remote.same_database and remote.alone else None
        self._settings = settings

    def __enter__(self) -> Self:
        with Client(self.base_url, ANSWER_S) as client:
            _reconfigure(client, self._settings)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:  # the next cell gets a new pool all the same, and so does who comes after the run
            return
        try:
            with Client(self.base_url, ANSWER_S) as client:
                _give_back(client)
        except NO_ANSWER as gone:
            raise ServiceDied(f"{self.name} after the load: {gone}") from None

    def usage(self) -> Usage | None:
        return None

    def processes(self) -> list[psutil.Process]:
        return []

    def log_tail(self) -> str:
        return ""


def restore(remote: Remote) -> None:
    """Puts in force again what was found. Raises OSError, HTTPException or ServiceError."""
    with Client(remote.base_url, ANSWER_S) as client:
        client.post(contract.RELEASE_LEAKS)
        now = client.get(contract.CONFIG)
        leaked = client.get(contract.STATS)["pool_used_size"]
        if leaked or any(now[name] != remote.found[name] for name in SETTABLE):
            _new_pool(client, now)
            client.post(contract.CONFIG, {name: remote.found[name] for name in SETTABLE})


def _reconfigure(client: Client, settings: Mapping[str, Any]) -> None:
    """The settings in force, with a pool that has served no request yet; waits until the old ones are gone."""
    before = client.get(contract.CONFIG)
    _new_pool(client, before)
    after = client.post(contract.CONFIG, {name: settings[name] for name in SETTABLE})
    rest(client, most_s=max(_longest_s(before), _longest_s(after)) + REST_S)


def _new_pool(client: Client, config: Mapping[str, Any]) -> None:
    """Makes a pool of another size. What leaked goes with the old one, as soon as every request could be done with
    it."""
    size = 2 if config["pool_max_size"] == 1 else 1
    client.post(contract.CONFIG, {"pool_min_size": size, "pool_max_size": size})


def _give_back(client: Client) -> None:
    """What was kept is released, and what was lost for good goes with its pool."""
    client.post(contract.RELEASE_LEAKS)
    if client.get(contract.STATS)["pool_used_size"]:
        config = client.get(contract.CONFIG)
        _new_pool(client, config)
        rest(client, most_s=_longest_s(config) + REST_S)


def rest(client: Client, most_s: float) -> None:
    """Waits until no request waits or holds a connection, no old pool drains, and the new one has its size.

    Raises ServiceError after `most_s`.
    """
    deadline = monotonic() + most_s
    while busy := _busy(client.get(contract.STATS)):
        if monotonic() > deadline:
            raise ServiceError(f"not at rest after {most_s:.0f} s ({busy}): end what else uses it")
        sleep(0.02)


def _busy(stats: Mapping[str, Any]) -> str:
    """What keeps a service from being at rest; "" where it is."""
    size, least = stats["pool_size"], stats["pool_min_size"]
    parts = (
        (stats["pool_used_size"], f"in use {stats['pool_used_size']}"),
        (stats["waiting_requests"], f"waiting {stats['waiting_requests']}"),
        (stats["pool_connecting"], f"connecting {stats['pool_connecting']}"),
        ("draining" in stats, "an old pool drains"),
        (size is not None and size < least, f"made {size} of {least}"),
    )
    return ", ".join(text for busy, text in parts if busy)


def _longest_s(config: Mapping[str, Any]) -> float:
    """After this long every request of now is done."""
    return float(config["pool_acquire_timeout"] + config["work_time_ms"] / 1000)
