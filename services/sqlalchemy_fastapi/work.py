"""What a handler does while it holds a connection: read `items`, then work until the hold is over.

In: a lease and how long to hold it. Out: how many rows were read.
"""

import asyncio
from time import monotonic
from typing import Final

from sqlalchemy import text

from services.common import contract
from services.common.settings import Config
from services.sqlalchemy_fastapi.pool import Lease

SELECT_ITEMS: Final = text("SELECT id, name, price_cents FROM items WHERE id <= :rows ORDER BY id")
SLEEP: Final = text("SELECT pg_sleep(:seconds)")
BURN: Final = text("SELECT burn(:units)")
AWAIT_LOCK: Final = text("SELECT id FROM locks WHERE id = 1 FOR SHARE")


async def read(lease: Lease) -> int:
    """Reads the contract's rows; returns how many came."""
    result = await lease.connection.execute(SELECT_ITEMS, {"rows": contract.ROWS})
    return len(result.all())


async def hold(lease: Lease, config: Config, hold_ms: int) -> int:
    """Holds for `hold_ms` since the acquire returned, never less; returns the rows read.

    `as_shipped`, SQLAlchemy opens a transaction with the first statement; COMMIT ends it within the hold.
    """
    until = lease.wait.granted + hold_ms / 1000
    rows = await read(lease)
    match config.work_kind:
        case "query":
            await lease.connection.execute(SLEEP, {"seconds": max(0.0, until - monotonic())})
        case "cpu":
            await lease.connection.execute(BURN, {"units": config.units(hold_ms)})
        case "lock":
            await lease.connection.execute(AWAIT_LOCK)
        case "sleep":
            pass
    while (left := until - monotonic()) > 0:  # again for the rest: a timer may fire early
        await asyncio.sleep(left)
    if config.tuning == "as_shipped":
        await lease.connection.commit()
    return rows
