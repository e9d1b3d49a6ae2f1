"""`python -m tests.bench.dishonest SERVICE DEFECT`: a pool without HTTP whose books or habits have one defect."""

import asyncio
import sys
from collections.abc import Callable
from itertools import count
from typing import Any
from unittest.mock import patch

from services.common.ledger import Ledger
from services.inprocess.__main__ import main as play
from services.pools.adapters import adapter_of
from services.pools.asynchronous import AsyncPool
from services.pools.synchronous import SyncPool

WARMED = 2 * 5
"""Two rounds over five connections: a defect shows in the load, so that the totals before it are right."""


def once(plant: Callable[..., Any], otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """Calls `plant` in the third call after the warm-up, and `otherwise` in every other."""
    calls = count(1)

    def call(*arguments: Any) -> Any:
        return (plant if next(calls) == WARMED + 3 else otherwise)(*arguments)

    return call


def acquire_uncounted(_: str) -> None:
    grant = Ledger.grant

    def uncounted(ledger: Any, wait: Any) -> float:
        waited_s = grant(ledger, wait)
        ledger._acquired -= 1
        return waited_s

    patch.object(Ledger, "grant", once(uncounted, grant)).start()


def timeout_uncounted(_: str) -> None:
    refuse = Ledger.refuse

    def uncounted(ledger: Any, wait: Any, *, timed_out: bool) -> Any:
        refused = refuse(ledger, wait, timed_out=timed_out)
        ledger._timed_out = 0
        return refused

    patch.object(Ledger, "refuse", uncounted).start()


def waits_halved(_: str) -> None:
    advance = Ledger._advance

    def halved(ledger: Any) -> float:
        before_s = ledger._waiter_seconds
        now = advance(ledger)
        ledger._waiter_seconds = (before_s + ledger._waiter_seconds) / 2
        return now

    patch.object(Ledger, "_advance", halved).start()


def library(service: str) -> Any:
    return adapter_of(f"services.{service}")


def generic(service: str) -> Any:
    """The pool that the service's adapter is in."""
    return AsyncPool if asyncio.iscoroutinefunction(library(service).acquire) else SyncPool


def reads_twice(service: str) -> None:
    execute = library(service).execute

    def twice(*call: Any) -> Any:
        execute(*call)
        return execute(*call)

    async def twice_by_tasks(*call: Any) -> Any:
        await execute(*call)
        return await execute(*call)

    library(service).execute = once(twice_by_tasks if asyncio.iscoroutinefunction(execute) else twice, execute)


def kept_for_good(service: str) -> None:
    release = generic(service).release

    async def forget(*_: Any) -> None:
        pass

    generic(service).release = once(forget if asyncio.iscoroutinefunction(release) else lambda *_: None, release)


def left_in_transaction(service: str) -> None:
    """For SQLAlchemy, which resets nothing in the equalised tuning; the other two roll back what they are given."""
    execute = library(service).execute

    async def begin(adapter: Any, connection: Any, *statement: Any) -> Any:
        await connection.exec_driver_sql("BEGIN")
        return await execute(adapter, connection, *statement)

    library(service).execute = once(begin, execute)


def settings_changed(service: str) -> None:
    acquire = generic(service).acquire

    def changed(self: Any, *arguments: Any) -> Any:
        self._state.config = self.config.changed({"work_time_ms": 1})
        return acquire(self, *arguments)

    generic(service).acquire = once(changed, acquire)


DEFECTS: dict[str, Callable[[str], None]] = {
    "none": lambda _: None,
    "acquire uncounted": acquire_uncounted,
    "timeout uncounted": timeout_uncounted,
    "waits halved": waits_halved,
    "reads twice": reads_twice,
    "kept for good": kept_for_good,
    "left in transaction": left_in_transaction,
    "settings changed": settings_changed,
}


def main() -> None:
    service, defect = sys.argv[1:]
    DEFECTS[defect](service)
    play(f"services.{service}", service)


if __name__ == "__main__":
    main()
