"""Many clients at once, each on a connection of its own, and what service and database say meanwhile."""

import json
import socket
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.targets.http import Client
from bench.targets.process import LocalService
from services.common import contract
from tests.waiting import until


@dataclass(frozen=True)
class Answer:
    """A status, and a body that was JSON."""

    status: int
    body: dict[str, Any]

    @property
    def error(self) -> str | None:
        """Which `error` the contract's detail names."""
        name: str | None = self.body.get("detail", {}).get("error")
        return name


def ask(service: LocalService, path: str, method: str = "GET", body: dict[str, Any] | None = None) -> Answer:
    """One request on a connection of its own."""
    with Client(service.base_url, timeout_s=60) as client:
        status, text = client.exchange(method, path, None if body is None else json.dumps(body))
    return Answer(status, json.loads(text))


def configure(service: LocalService, **patch: Any) -> Answer:
    return ask(service, contract.CONFIG, "POST", patch)


def stats(service: LocalService) -> dict[str, Any]:
    return ask(service, contract.STATS).body


@contextmanager
def clients(service: LocalService, count: int) -> Iterator[Callable[[str], Future[Answer]]]:
    """Calls `path` in a thread of its own; leaving waits for all of them."""
    with ThreadPoolExecutor(count) as pool:
        yield lambda path: pool.submit(ask, service, path)


def at_once(service: LocalService, paths: list[str]) -> list[Answer]:
    """All of them together; the answers in the same order."""
    with clients(service, len(paths)) as call:
        return [future.result() for future in [call(path) for path in paths]]


def at_rest(service: LocalService, used: int = 0) -> dict[str, Any]:
    """The stats once no request waits, nothing connects or drains, and no more than the leaks are used."""

    def resting() -> dict[str, Any] | None:
        now = stats(service)
        busy = now["waiting_requests"] or now["pool_connecting"] or "draining" in now or now["pool_used_size"] != used
        return None if busy else now

    return until(resting, "a service at rest")


def held_at_once(service: LocalService, count: int, used: int = 0) -> bool:
    """Whether `count` more requests than the leaks hold a connection at the same moment, all of them served.

    Where all were served and never seen together, the machine may be too busy: they hold longer, and again.
    """
    for hold_ms in (150, 600, 2400):
        together = False
        with clients(service, count) as call:
            holders = [call(f"{contract.QUERY}?hold_ms={hold_ms}") for _ in range(count)]
            while not (together or all(holder.done() for holder in holders)):
                together = stats(service)["pool_used_size"] == used + count
        served = all(holder.result().status == 200 for holder in holders)
        if together or not served:
            return together and served
    return False


def leave(service: LocalService, path: str) -> Callable[[], None]:
    """Sends a request; calling what comes back resets the connection without reading the answer."""
    connection = socket.create_connection(("127.0.0.1", service.port))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return connection.close
