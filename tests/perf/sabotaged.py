"""Adapters with a fault each, of the kinds that pools have had, for the histories to find."""

import asyncio
from typing import Any, Self

import psycopg

from services.asyncpg_fastapi.pool import Pool as Asyncpg
from services.common.settings import Address, Config
from services.pools.adapters import Connecting
from services.psycopg_flask.pool import Pool as Psycopg


class HandsOutTwice(Asyncpg):
    """Where it has to wait it hands out what another has."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._out: list[Any] = []

    async def acquire(self, timeout_s: float) -> Any:
        if len(self._out) == self.capacity:
            return self._out[0]
        connection = await super().acquire(timeout_s)
        self._out.append(connection)
        return connection

    async def release(self, connection: Any) -> None:
        if connection in self._out:
            self._out.remove(connection)
            await super().release(connection)


class LosesTheSlotOfACancelledWaiter(Asyncpg):
    """A waiter that is cancelled is served later, and never gives back."""

    async def acquire(self, timeout_s: float) -> Any:
        waiting = asyncio.ensure_future(super().acquire(timeout_s))
        return await asyncio.shield(waiting)


class ForgetsAWaiter(Asyncpg):
    """Each release wakes one waiter; where that one has left meanwhile, the next is not woken."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._free = self.capacity
        self._waiting: list[asyncio.Future[None]] = []

    async def acquire(self, timeout_s: float) -> Any:
        async with asyncio.timeout(timeout_s):
            if not self._free:
                turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.append(turn)
                await turn
            else:
                self._free -= 1
        return await super().acquire(timeout_s)

    async def release(self, connection: Any) -> None:
        await super().release(connection)
        if not self._waiting:
            self._free += 1
        elif not (turn := self._waiting.pop(0)).done():
            turn.set_result(None)


class KeepsSettings(Asyncpg):
    """As shipped the library resets a session; this one does not."""

    @classmethod
    async def open(cls, address: Address, config: Config, connecting: Connecting) -> Self:
        return await super().open(address, config.model_copy(update={"tuning": "equalised"}), connecting)


class KeepsBrokenConnections(Psycopg):
    """What is broken is not given back, and its slot is lost."""

    def release(self, connection: psycopg.Connection) -> None:
        if not connection.broken:
            super().release(connection)
