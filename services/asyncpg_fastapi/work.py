"""What a handler does while it holds a connection: read `items`, then work until the hold is over.

In: a lease and how long to hold it. Out: how many rows were read.
"""

import asyncio
from time import monotonic
from typing import Final

from services.asyncpg_fastapi.pool import Lease
from services.common import contract
from services.common.settings import Config

SELECT_ITEMS: Final = "SELECT id, name, price_cents FROM items WHERE id <= $1 ORDER BY id"
SLEEP: Final = "SELECT pg_sleep($1)"
BURN: Final = "SELECT burn($1)"
AWAIT_LOCK: Final = "SELECT id FROM locks WHERE id = 1 FOR SHARE"


async def read(lease: Lease) -> int:
    """Reads the contract's rows; returns how many came."""
    return len(await lease.connection.fetch(SELECT_ITEMS, contract.ROWS))


async def hold(lease: Lease, config: Config, hold_ms: int) -> int:
    """Holds for `hold_ms` since the acquire returned, never less; returns the rows read.

    asyncpg opens no transaction of its own, so there is none to end.
    """
    until = lease.wait.granted + hold_ms / 1000
    rows = await read(lease)
    match config.work_kind:
        case "query":
            await lease.connection.fetchval(SLEEP, max(0.0, until - monotonic()))
        case "cpu":
            await lease.connection.fetchval(BURN, config.units(hold_ms))
        case "lock":
            await lease.connection.fetchval(AWAIT_LOCK)
        case "sleep":
            pass
    while (left := until - monotonic()) > 0:  # again for the rest: a timer may fire early
        await asyncio.sleep(left)
    return rows
