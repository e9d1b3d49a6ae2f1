"""A cell over HTTP: a service that answers, and a load generator in a process of its own."""

import http.client
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final, TypeVar

import psutil

from bench.load.driver import GeneratorFailed, LoadGenerator
from bench.load.outcome import Outcome
from bench.observe.totals import OverHttp
from bench.record.schema import Cell
from bench.run.conditions import Mismatch
from bench.run.executor import WARM_UP_HOLD_MS, WARM_UP_ROUNDS, Seen, Subject, workload
from bench.scenarios.model import Asked
from bench.targets.http import Client, ServiceError
from bench.targets.process import ServiceDied
from bench.targets.service import Service, Told, Usage, restarted
from bench.targets.target import Target
from services.common import contract
from services.workload.wire import HttpJob

SETTLE_TIMEOUT_S: Final = 10.0

T = TypeVar("T")


class HttpExecutor:
    """Plays cells on services, wherever they run."""

    def __init__(self, target: Target, generator: LoadGenerator) -> None:
        self._target = target
        self._generator = generator

    @contextmanager
    def open(self, cell: Cell, asked: Asked, settings: Mapping[str, Any], out: Path) -> Iterator[Subject]:
        """Raises ServiceDied, OSError, HTTPException or ServiceError."""
        self._generator.start()
        with self._target.open(cell.service, settings) as service:
            job = HttpJob(workload=workload(cell, asked), out=str(out), base_url=service.base_url)
            yield HttpSubject(service, self._generator, job, asked)


class HttpSubject:
    """A service that answers."""

    def __init__(self, service: Service, generator: LoadGenerator, job: HttpJob, asked: Asked) -> None:
        self.base_url = service.base_url
        self.application_name = service.application_name
        self._service = service
        self._teller = OverHttp(Client(service.base_url))
        self._generator = generator
        self._job = job
        self._asked_for = asked
        self._before: Mapping[str, Any] | None = None

    @property
    def generator(self) -> psutil.Process:
        try:
            return psutil.Process(self._generator.pid)
        except psutil.NoSuchProcess:
            raise GeneratorFailed("the load generator died before the load") from None

    def usage(self) -> Usage | None:
        return self._service.usage()

    def processes(self) -> list[psutil.Process]:
        return self._service.processes()

    def told(self) -> Told:
        return self._asked(self._teller.told)

    def settings(self) -> dict[str, Any]:
        return self._asked(self._teller.settings)

    def warm_up(self) -> None:
        path, connections = self._asked_for.mix[0].path, self._asked_for.scenario.pool_size
        warmed = path if path in contract.ONE_CHECKOUT else contract.QUERY
        self._asked(lambda: warm_up(self.base_url, connections, warmed))
        self._generator.wait_ready()

    def play(self, on_start: Callable[[float], None], *, timeout_s: float) -> Outcome:
        self._before = self.told().stats
        try:
            with _watched(self._service, self._generator):
                return self._generator.play(self._job, on_start, timeout_s=timeout_s)
        except GeneratorFailed:
            if not self._service.alive:
                raise ServiceDied(f"{self._service.name} died under the load", self._service.log_tail()) from None
            raise

    def refuse_another(self) -> None:
        assert self._before is not None, "nothing was played"
        if restarted(self._before, self.told().stats):
            raise ServiceDied(f"{self._service.name} was started again under the load", self._service.log_tail())

    def seen(self) -> Seen:
        return Seen()

    def _asked(self, ask: Callable[[], T]) -> T:
        """Raises ServiceDied where no answer comes, and says when that was."""
        try:
            return ask()
        except (OSError, http.client.HTTPException, ServiceError) as error:
            when = "before" if self._before is None else "after"
            raise ServiceDied(f"{self._service.name} {when} the load: {error}", self._service.log_tail()) from None


@contextmanager
def _watched(service: Service, generator: LoadGenerator) -> Iterator[None]:
    """Ends the generator as soon as the service is dead: no answer comes any more, and refusals prove nothing."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            if not service.alive:
                with suppress(RuntimeError, ProcessLookupError):  # it has died, too
                    os.kill(generator.pid, signal.SIGKILL)
                return

    watcher = threading.Thread(target=watch, name="watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def warm_up(base_url: str, connections: int, path: str = contract.QUERY) -> None:
    """Uses every connection by requests for `path`, and waits until all are back.

    Raises Mismatch where they are not after 10 s.
    """

    def ask(_: int) -> None:
        with Client(base_url) as client:
            client.get(f"{path}?hold_ms={WARM_UP_HOLD_MS}")

    with ThreadPoolExecutor(connections) as clients:
        for _ in range(WARM_UP_ROUNDS):
            list(clients.map(ask, range(connections)))
    deadline = monotonic() + SETTLE_TIMEOUT_S
    with Client(base_url) as client:
        while used := client.get(contract.STATS)["pool_used_size"]:
            if monotonic() > deadline:
                raise Mismatch(
                    f"{used} of {connections} connections are still in use {SETTLE_TIMEOUT_S:g} s after the warm-up"
                )
            sleep(0.01)
