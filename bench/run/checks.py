"""Before anything is measured on a service, it is checked against the HTTP contract."""

import http.client
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Final

from bench.check import Report, check
from bench.errors import UserError
from bench.postgres.database import Database
from bench.record.schema import Cell, Plan
from bench.run.progress import Progress
from bench.targets.http import Client, ServiceError
from bench.targets.libraries import Libraries
from bench.targets.process import LocalService, ServiceDied
from bench.targets.target import Target
from services.common import contract

ANSWER_S: Final = 5.0
CHECK_ESTIMATE_S: Final = 6.5


@dataclass(frozen=True)
class Checked:
    """What the conformance check said of one service; `refused` is why it is not measured, or None.

    `log_tail` is what a service that ended had printed last.
    """

    service: str
    refused: str | None
    report: Report | None
    log_tail: str = ""

    def __str__(self) -> str:
        """Why it is not measured, or that it may be."""
        if self.refused is None:
            passed = sum(result.verdict == "passed" for result in self.report.results) if self.report else 0
            return f"keeps the contract ({passed} checks)"
        return f"refused: {self.refused}" + (f"; its last lines:\n{self.log_tail}" if self.log_tail else "")


def to_check(target: Target, plan: Plan, cells: Iterable[Cell]) -> tuple[str, ...]:
    """The stacks that are checked before these cells are played.

    Services that run elsewhere are not: they were looked at when they were met. Nor is any where the pool alone is
    played.
    """
    if target.remote or target.database is None or plan.layer == "pool":
        return ()
    return tuple(dict.fromkeys(target.made(cell.service) for cell in cells))


class Checks:
    """Checks each stack once, right before the first cell that is played on it, so that the first figures wait for one
    check alone. A check is made on a process of its own, which is thrown away: it leaks, resizes and exhausts."""

    def __init__(self, target: Target, plan: Plan, cells: Iterable[Cell], progress: Progress) -> None:
        self._target = target
        self._settings = {"tuning": plan.tuning}
        self._progress = progress
        self._left = set(to_check(target, plan, cells))
        self._refused: dict[str, Checked] = {}
        self.took_s = 0.0

    def refusal(self, cell: Cell) -> Checked | None:
        """What a check said where the cell is not to be played. Raises PostgresDied where it fails because of that."""
        stack = self._target.made(cell.service)
        if stack in self._left:
            self._left.remove(stack)
            checked = self._check(stack)
            if checked.refused:
                self._refused[stack] = checked
        return self._refused.get(stack)

    def spare(self) -> None:
        """No further cell is played."""
        for _ in self._left:
            self._progress.spared(CHECK_ESTIMATE_S)
        self._left.clear()

    def _check(self, name: str) -> Checked:
        assert self._target.database is not None
        began = monotonic()
        self._progress.doing(f"check · {name}")
        libraries = self._target.libraries.get(name)
        checked = check_service(
            self._target.stack(name), self._target.database, self._settings, self._progress.doing, libraries
        )
        if self._target.server and checked.refused:
            self._target.server.refuse_death()
        self._progress.done(f"check · {name} · {checked}", estimate_s=CHECK_ESTIMATE_S)
        self.took_s += monotonic() - began
        return checked


def check_service(
    name: str,
    database: Database,
    settings: dict[str, str],
    doing: Callable[[str], None],
    libraries: Libraries | None = None,
) -> Checked:
    """One service against the contract, with `libraries` in place of the locked ones."""
    own = libraries.directory if libraries else None
    try:
        with LocalService(name, database, settings, libraries=own) as service, _living(service):
            report = check(service.base_url, on_progress=lambda text: doing(f"check · {name} · {text}"))
    except ServiceDied as error:
        return Checked(name, str(error), None, error.log_tail)
    failed = [result for result in report.results if result.verdict == "failed"]
    if failed:
        more = "" if libraries else f" (bench check {name} says more)"
        return Checked(name, f"fails {failed[0].name}: {failed[0].detail}{more}", report)
    return Checked(name, None, report)


@contextmanager
def _living(service: LocalService) -> Iterator[None]:
    """Raises ServiceDied where the service ends meanwhile, or its arbiter starts another worker."""
    worker = _worker(service)
    try:
        yield
    except UserError:  # it is ours: that nothing answers is not the user's fault
        _refuse_dead(service, worker)
        raise
    _refuse_dead(service, worker)


def _refuse_dead(service: LocalService, worker: int | None) -> None:
    now = _worker(service)
    if now is None or not service.alive:
        raise ServiceDied(f"{service.name} died while it was checked", service.log_tail())
    if now != worker:
        raise ServiceDied(f"{service.name} was started again while it was checked", service.log_tail())


def _worker(service: LocalService) -> int | None:
    """The process that answers; None where none does."""
    try:
        with Client(service.base_url, timeout_s=ANSWER_S) as client:
            return int(client.get(contract.STATS)["worker_pid"])
    except (OSError, http.client.HTTPException, ServiceError):
        return None
